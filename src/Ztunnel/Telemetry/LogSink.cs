using Microsoft.Extensions.Logging;

namespace Ztunnel.Telemetry;

/// <summary>Writes log events as lines to one stream. Its filter can be replaced while it runs.</summary>
internal sealed class LogSink : ILoggerProvider
{
    /// <summary>How long a stop waits for a slow standard output.</summary>
    public static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(1);

    private static readonly LogTarget OwnTarget = LogTarget.FromCategory(typeof(LogSink).FullName!);

    [ThreadStatic]
    private static LogLine? _line;

    private readonly LogFormat _format;
    private readonly TimeProvider _time;
    private readonly LogQueue _queue;
    private LogFilter _filter;

    /// <summary>Starts the writer.</summary>
    /// <param name="output">Given: disposed with this object.</param>
    /// <param name="format">Form of the lines.</param>
    /// <param name="filter">First filter.</param>
    /// <param name="time">Clock of the lines.</param>
    public LogSink(Stream output, LogFormat format, LogFilter filter, TimeProvider time)
    {
        _format = format;
        _time = time;
        DefaultFilter = filter;
        _filter = filter;
        _queue = new LogQueue(output, DescribeDropped, FlushTimeout);
    }

    /// <summary>The filter that the process was started with.</summary>
    public LogFilter DefaultFilter { get; }

    /// <summary>What is written; takes effect at once.</summary>
    public LogFilter Filter
    {
        get => Volatile.Read(ref _filter);
        set => Volatile.Write(ref _filter, value);
    }

    /// <summary>Lines lost so far because the output was slow or gone.</summary>
    public long Dropped => _queue.Dropped;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => For(categoryName);

    /// <summary>The same, typed: the access log writes its lines without going through <see cref="ILogger"/>.</summary>
    public TargetLogger For(string category) => new(this, LogTarget.FromCategory(category));

    /// <summary>Writes what waits, within <see cref="FlushTimeout"/>.</summary>
    public void Dispose() => _queue.Dispose();

    /// <summary>Starts a line. The caller adds fields and gives it to <see cref="Commit"/>.</summary>
    public LogLine Begin(LogLevel level, LogTarget target, string message)
    {
        // Taken out of its slot meanwhile: a value's ToString may log.
        var line = _line is { } kept && kept.Format == _format ? kept : LogLine.Create(_format);
        _line = null;
        line.Begin(_time.GetUtcNow(), level, target, message);
        return line;
    }

    /// <summary>Sends a line on its way.</summary>
    public void Commit(LogLine line)
    {
        line.End();
        _queue.Add(line.Bytes);
        _line = line;
    }

    private byte[] DescribeDropped(long count)
    {
        var line = LogLine.Create(_format);
        line.Begin(
            _time.GetUtcNow(), LogLevel.Warning, OwnTarget, "log lines dropped: nobody reads our output fast enough");
        line.AddNumber("count", count);
        line.End();
        return line.Bytes.ToArray();
    }
}
