using System.Diagnostics;
using System.Globalization;
using Node.Bench;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;

namespace Mesh.Scale.ControlPlane;

/// <summary>What the control plane does on command. One at a time.</summary>
internal sealed class Pushes(PushService service, MeshSize size)
{
    private const int UpdatesPerSecond = 1_000;
    private const int PushesPerSecond = 100;

    private readonly int[] _generations = new int[size.Workloads];
    private PushStream? _stream;
    private bool _isLarge;

    /// <returns>The line that answers the command: numbers with names.</returns>
    public async Task<string> RunAsync(string[] command) => command switch
    {
        ["small"] => await SmallAsync(),
        ["grow"] => await GrowAsync(),
        ["churn", var seconds] => await ChurnAsync(int.Parse(seconds, CultureInfo.InvariantCulture)),
        ["reconnect"] => await ReconnectAsync(),
        ["clear"] => await ClearAsync(),
        _ => throw new BenchException($"unknown command '{string.Join(' ', command)}'"),
    };

    private async Task<string> SmallAsync()
    {
        _stream = await service.Accepted.ReadAsync();
        await _stream.PushAsync(TypeUrls.Address, MeshPlan.Pods(), []);
        await _stream.PushAsync(TypeUrls.Authorization, [], []);
        return "ok";
    }

    private async Task<string> GrowAsync()
    {
        _isLarge = true;
        var resources = Large().ToList();
        var policies = Policies().ToList();
        var (time, bytes) = await _stream!.PushAsync(TypeUrls.Address, resources, []);
        var (policyTime, _) = await _stream.PushAsync(TypeUrls.Authorization, policies, []);
        return Numbers(
            ("push_to_ack_ms", time.TotalMilliseconds),
            ("push_mb", bytes / 1e6),
            ("policies_to_ack_ms", policyTime.TotalMilliseconds));
    }

    /// <summary>Half of the updates replace a pod by one with another address, half change a pod's readiness.</summary>
    private async Task<string> ChurnAsync(int seconds)
    {
        var random = new Random(1);
        var worst = TimeSpan.Zero;
        var late = TimeSpan.Zero;
        var started = Stopwatch.GetTimestamp();
        for (var push = 0; push < seconds * PushesPerSecond; push++)
        {
            var due = TimeSpan.FromSeconds((double)push / PushesPerSecond);
            var wait = due - Stopwatch.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait);
            }

            var updates = Enumerable.Range(0, UpdatesPerSecond / PushesPerSecond).Select(_ => Update(random)).ToList();
            var (time, _) = await _stream!.PushAsync(TypeUrls.Address, updates, []);
            worst = time > worst ? time : worst;
            var behind = Stopwatch.GetElapsedTime(started) - due;
            late = behind > late ? behind : late;
        }

        var total = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return Numbers(
            ("updates_per_second", seconds * UpdatesPerSecond / total),
            ("worst_update_to_ack_ms", worst.TotalMilliseconds),
            ("worst_behind_ms", late.TotalMilliseconds));
    }

    private async Task<string> ReconnectAsync()
    {
        var all = Large().Concat(MeshPlan.Pods()).ToList();
        var policies = Policies().ToList();
        _stream!.End();
        _stream = await service.Accepted.ReadAsync();
        var unclaimed = _stream.Claimed == 0 ? all : [];
        var (time, bytes) = await _stream.PushAsync(TypeUrls.Address, unclaimed, []);
        var (policyTime, _) = await _stream.PushAsync(TypeUrls.Authorization, policies, []);
        return Numbers(
            ("claimed", _stream.Claimed),
            ("request_mb", _stream.RequestBytes / 1e6),
            ("answer_to_ack_ms", time.TotalMilliseconds),
            ("answer_mb", bytes / 1e6),
            ("policies_to_ack_ms", policyTime.TotalMilliseconds));
    }

    private async Task<string> ClearAsync()
    {
        var names = Enumerable.Range(0, size.Workloads).Select(index => MeshPlan.WorkloadName(index, size))
            .Concat(Enumerable.Range(0, size.Services).Select(MeshPlan.ServiceName)).ToList();
        var policies = Enumerable.Range(0, size.Policies).Select(MeshPlan.PolicyName).ToList();
        _isLarge = false;
        var (time, bytes) = await _stream!.PushAsync(TypeUrls.Address, [], names);
        await _stream.PushAsync(TypeUrls.Authorization, [], policies);
        return Numbers(("remove_to_ack_ms", time.TotalMilliseconds), ("remove_mb", bytes / 1e6));
    }

    private Resource Update(Random random)
    {
        var index = random.Next(size.Workloads);
        _generations[index]++;
        return Workload(index);
    }

    // Odd generations are not ready, even ones are another pod: its address is of the generation that began it.
    private Resource Workload(int index) => MeshPlan.Workload(
        index, size, generation: _generations[index] / 2, healthy: _generations[index] % 2 == 0);

    private IEnumerable<Resource> Large() => _isLarge
        ? Enumerable.Range(0, size.Workloads).Select(Workload)
            .Concat(Enumerable.Range(0, size.Services).Select(MeshPlan.Service))
        : [];

    private IEnumerable<Resource> Policies() =>
        _isLarge ? Enumerable.Range(0, size.Policies).Select(MeshPlan.Policy) : [];

    private static string Numbers(params ReadOnlySpan<(string Name, double Value)> numbers)
    {
        var parts = new List<string>();
        foreach (var (name, value) in numbers)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{name}={value:0.###}"));
        }

        return string.Join(' ', parts);
    }
}
