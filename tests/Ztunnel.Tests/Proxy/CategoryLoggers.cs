using Microsoft.Extensions.Logging;

namespace Ztunnel.Tests.Proxy;

/// <summary>Keeps what is logged, by category; can hold whoever logs first.</summary>
internal sealed class CategoryLoggers : ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly List<(string Category, LogLevel Level, string Message)> _lines = [];
    private ManualResetEventSlim? _hold;
    private volatile bool _isHolding;

    /// <summary>The next one to log waits for it.</summary>
    public ManualResetEventSlim? Hold
    {
        set => Volatile.Write(ref _hold, value);
    }

    public bool IsHolding => _isHolding;

    public string[] LinesOf<T>(LogLevel level)
    {
        lock (_gate)
        {
            return [.. _lines
                .Where(line => line.Category == typeof(T).FullName && line.Level == level)
                .Select(line => line.Message)];
        }
    }

    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private void Add(string category, LogLevel level, string message)
    {
        lock (_gate)
        {
            _lines.Add((category, level, message));
        }

        if (Interlocked.Exchange(ref _hold, null) is { } hold)
        {
            _isHolding = true;
            hold.Wait(TimeSpan.FromSeconds(20));
        }
    }

    private sealed class CategoryLogger(CategoryLoggers owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) => owner.Add(category, logLevel, formatter(state, exception));
    }
}
