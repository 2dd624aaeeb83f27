using Microsoft.Extensions.Logging;

namespace Ztunnel.InPod;

/// <summary>
/// Notices pods whose network has gone although nobody said so. Our handle keeps the namespace itself, so what shows it is
/// that the last interface beside the loopback has left.
/// </summary>
internal sealed class VanishedPods : IDisposable
{
    private const int EnoughLooks = 2; // an interface may be replaced

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly PodSet _pods;
    private readonly ILogger<VanishedPods> _logger;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();

    /// <summary>Looks at all pods every 30 s.</summary>
    public VanishedPods(PodSet pods, TimeProvider time, ILogger<VanishedPods> logger)
    {
        _pods = pods;
        _logger = logger;
        _timer = time.CreateTimer(_ => Look(), null, Interval, Interval);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (!_gate.TryEnter())
        {
            return; // the round before is not over
        }

        try
        {
            foreach (var pod in _pods.Running)
            {
                Look(pod);
            }
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Look(RunningPod pod)
    {
        bool hasInterface;
        try
        {
            hasInterface = pod.Netns.HasInterface();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return; // stopped meanwhile, or out of descriptors: nothing is known
        }

        if (hasInterface)
        {
            pod.HadInterface = true;
            pod.LooksWithoutInterface = 0;
        }
        else if (pod.HadInterface && ++pod.LooksWithoutInterface == EnoughLooks)
        {
            _logger.PodVanished(pod.Uid, pod.Info);
            _pods.Drop(pod);
        }
    }
}
