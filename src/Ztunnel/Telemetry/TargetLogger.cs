using Microsoft.Extensions.Logging;

namespace Ztunnel.Telemetry;

/// <summary>
/// Logger of one target. Every value of an event becomes a field, in order, its name as words:
/// <c>HboneTarget</c> is <c>hbone_target</c>. See <see cref="LogMessage"/> for the text.
/// </summary>
internal sealed class TargetLogger(LogSink sink, LogTarget target) : ILogger
{
    private const string TemplateKey = "{OriginalFormat}";

    // Replaced as a whole when the sink has another filter; a lost race only repeats the look-up.
    private Threshold? _threshold;

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel)
    {
        var filter = sink.Filter;
        var threshold = Volatile.Read(ref _threshold);
        if (threshold?.Filter != filter)
        {
            threshold = new Threshold(filter, filter.MinimumFor(target));
            Volatile.Write(ref _threshold, threshold);
        }

        return logLevel >= threshold.Minimum && logLevel != LogLevel.None;
    }

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var values = state as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
        var line = Begin(logLevel, LogMessage.Render(values) ?? formatter(state, exception));
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i].Key != TemplateKey)
            {
                line.Add(LogTarget.ToWords(values[i].Key), values[i].Value);
            }
        }

        if (exception is not null)
        {
            line.AddText("exception", exception.ToString());
        }

        Commit(line);
    }

    /// <summary>Starts a line of this target; ask <see cref="IsEnabled"/> first.</summary>
    public LogLine Begin(LogLevel level, string message) => sink.Begin(level, target, message);

    /// <summary>Sends a line on its way.</summary>
    public void Commit(LogLine line) => sink.Commit(line);

    private sealed record Threshold(LogFilter Filter, LogLevel Minimum);
}
