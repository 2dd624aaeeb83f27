using Microsoft.Extensions.Logging;

namespace Ztunnel.Tests.Policy;

/// <summary>Keeps what is logged at or above one level: level, message and the field <c>policy</c>.</summary>
internal sealed class RecordingLogger(LogLevel minimum) : ILogger
{
    public List<(LogLevel Level, string Message, object? Policy)> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= minimum;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        var fields = Assert.IsType<IReadOnlyList<KeyValuePair<string, object?>>>(state, exactMatch: false);
        Lines.Add((logLevel, formatter(state, exception), fields.FirstOrDefault(field => field.Key == "policy").Value));
    }
}
