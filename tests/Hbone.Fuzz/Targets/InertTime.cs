namespace Hbone.Fuzz.Targets;

/// <summary>A clock whose timers never fire: what a connection does then depends on its input alone.</summary>
internal sealed class InertTime : TimeProvider
{
    private static readonly ITimer Never = new InertTimer();

    public static InertTime Instance { get; } = new();

    public override ITimer CreateTimer(
        TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => Never;

    private sealed class InertTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
            // Nothing is held.
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
