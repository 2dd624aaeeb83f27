namespace Hbone.Tests.Http2;

/// <summary>A clock whose only timer fires when the test says so.</summary>
internal sealed class TimerByHand : TimeProvider
{
    private Action? _callback;

    public void Tick() => _callback!();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _callback = () => callback(state);
        return new Timer();
    }

    private sealed class Timer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
