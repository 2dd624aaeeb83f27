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
    private EncodedPush? _addresses;
    private EncodedPush? _policies;

    /// <returns>The line that answers the command: numbers with names.</returns>
    public async Task<string> RunAsync(string[] command) => command switch
    {
        ["small"] => await SmallAsync(),
        ["prepare", var what] => Prepare(what),
        ["grow"] => await GrowAsync(),
        ["churn", var seconds] => await ChurnAsync(int.Parse(seconds, CultureInfo.InvariantCulture)),
        ["reconnect"] => await ReconnectAsync(),
        ["clear"] => await ClearAsync(),
        _ => throw new BenchException($"unknown command '{string.Join(' ', command)}'"),
    };

    private async Task<string> SmallAsync()
    {
        _stream = await service.Accepted.ReadAsync();
        await _stream.PushAsync(new EncodedPush(TypeUrls.Address, MeshPlan.Pods(), []));
        await _stream.PushAsync(new EncodedPush(TypeUrls.Authorization, [], []));
        return "ok";
    }

    private string Prepare(string what)
    {
        var workloads = Enumerable.Range(0, size.Workloads);
        var services = Enumerable.Range(0, size.Services);
        var policies = Enumerable.Range(0, size.Policies);
        var isRemoval = what == "clear";
        _addresses = isRemoval
            ? new EncodedPush(
                TypeUrls.Address,
                [],
                [
                    .. workloads.Select(index => MeshPlan.WorkloadName(index, size)),
                    .. services.Select(MeshPlan.ServiceName),
                ])
            : new EncodedPush(
                TypeUrls.Address,
                [.. workloads.Select(Workload), .. services.Select(MeshPlan.Service), .. MeshPlan.Pods()],
                []);
        _policies = isRemoval
            ? new EncodedPush(TypeUrls.Authorization, [], policies.Select(MeshPlan.PolicyName))
            : new EncodedPush(TypeUrls.Authorization, policies.Select(MeshPlan.Policy), []);
        GC.Collect();
        return "ok";
    }

    private async Task<string> GrowAsync()
    {
        var (time, bytes) = await _stream!.PushAsync(_addresses!);
        var (policyTime, _) = await _stream.PushAsync(_policies!);
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
            var (time, _) = await _stream!.PushAsync(new EncodedPush(TypeUrls.Address, updates, []));
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
        _stream!.End();
        _stream = await service.Accepted.ReadAsync();
        var answer = _stream.Claimed == 0 ? _addresses! : new EncodedPush(TypeUrls.Address, [], []);
        var (time, bytes) = await _stream.PushAsync(answer);
        var (policyTime, _) = await _stream.PushAsync(_policies!);
        return Numbers(
            ("claimed", _stream.Claimed),
            ("request_mb", _stream.RequestBytes / 1e6),
            ("answer_to_ack_ms", time.TotalMilliseconds),
            ("answer_mb", bytes / 1e6),
            ("policies_to_ack_ms", policyTime.TotalMilliseconds));
    }

    private async Task<string> ClearAsync()
    {
        var (time, bytes) = await _stream!.PushAsync(_addresses!);
        await _stream.PushAsync(_policies!);
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
