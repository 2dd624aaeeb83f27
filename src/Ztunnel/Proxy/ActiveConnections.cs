using Microsoft.Extensions.Logging;

namespace Ztunnel.Proxy;

/// <summary>Owns the tasks of live connections: starts them, reports what none of them may do, and waits for the last.</summary>
internal sealed class ActiveConnections(ILogger<ActiveConnections> logger)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _empty;
    private int _count;

    /// <summary>Connections that are not over.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>Starts a connection. An exception out of it is a bug of ours, which ends that connection only.</summary>
    public void Run(Func<Task> serve)
    {
        lock (_gate)
        {
            _count++;
        }

        _ = RunAsync(serve); // counted until it is over: WhenAllClosedAsync waits for it
    }

    /// <summary>Completes when no connection is left.</summary>
    public Task WhenAllClosedAsync()
    {
        lock (_gate)
        {
            if (_count == 0)
            {
                return Task.CompletedTask;
            }

            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    private async Task RunAsync(Func<Task> serve)
    {
        try
        {
            await serve();
        }
        catch (Exception e)
        {
            logger.ConnectionFailedUnexpectedly(e);
        }
        finally
        {
            Ended();
        }
    }

    private void Ended()
    {
        TaskCompletionSource? empty = null;
        lock (_gate)
        {
            _count--;
            if (_count == 0)
            {
                (empty, _empty) = (_empty, null);
            }
        }

        empty?.SetResult();
    }
}
