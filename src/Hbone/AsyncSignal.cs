using System.Threading.Tasks.Sources;

namespace Hbone;

/// <summary>
/// Lets one waiter sleep until another thread has something for it; no allocation per wait. Its owner's lock guards
/// <see cref="Arm"/> and <see cref="Disarm"/>; <see cref="Fire"/> runs outside it, because the waiter continues inside.
/// </summary>
internal sealed class AsyncSignal : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private bool _armed;

    /// <summary>Whether somebody waits.</summary>
    public bool IsArmed => _armed;

    /// <summary>Call under the lock that the condition was looked at with; await after leaving it.</summary>
    public ValueTask Arm()
    {
        _core.Reset();
        _armed = true;
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Call under the lock; true obliges the caller to <see cref="Fire"/> after leaving it.</summary>
    public bool Disarm()
    {
        var armed = _armed;
        _armed = false;
        return armed;
    }

    /// <summary>Continues the waiter on this thread.</summary>
    public void Fire() => _core.SetResult(true);

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
