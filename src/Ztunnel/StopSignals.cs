using System.Runtime.InteropServices;

namespace Ztunnel;

/// <summary>
/// SIGTERM and SIGINT as one cancellation. A SIGINT that comes when a stop has begun ends the process at once, with status 0.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;

    public StopSignals()
    {
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    }

    /// <summary>Fires at the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Name of the signal that came first; null before.</summary>
    public string? Received { get; private set; }

    /// <summary>Says that a stop has begun for another reason: who presses Ctrl+C from now on does not want to wait for it.</summary>
    public void Begin() => _stop.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_stop.IsCancellationRequested)
        {
            if (context.Signal == PosixSignal.SIGINT)
            {
                Environment.Exit(0);
            }

            return;
        }

        Received = context.Signal.ToString();
        _stop.Cancel();
    }
}
