using System.Globalization;
using Ztunnel.Demo;

namespace Node.Bench.Pods;

/// <summary>What a proxy holds at one moment.</summary>
/// <param name="Resident">Bytes in memory, <c>VmRSS</c>.</param>
/// <param name="Private">Bytes of that which it has written itself.</param>
/// <param name="Managed">Bytes of managed objects, those included that nobody collected yet.</param>
/// <param name="Descriptors">Open descriptors.</param>
/// <param name="Threads">Threads.</param>
internal sealed record PodsUsage(double Resident, double Private, double Managed, int Descriptors, int Threads)
{
    /// <summary>Looks at a proxy in a namespace of its own.</summary>
    public static async Task<PodsUsage> OfAsync(
        NetworkNamespace node, ChildProcess process, CancellationToken cancellationToken)
    {
        var (resident, written) = (ProcessUsage.ResidentBytes(process), ProcessUsage.PrivateBytes(process));
        var folder = FormattableString.Invariant($"/proc/{process.Id}");
        var descriptors = Directory.GetFileSystemEntries($"{folder}/fd").Length;
        var threads = Directory.GetFileSystemEntries($"{folder}/task").Length;

        // Last, because the answer takes memory and a descriptor itself.
        var get = new ProcessSpec("curl", "-sS", "-f", "--max-time", "5", "http://127.0.0.1:15020/metrics");
        var page = MetricSample.Parse((await node.RunAsync(get, cancellationToken)).Succeeded().Output);
        var managed = page.Single(sample => sample.Name == "ztunnel_gc_heap_bytes").Value;
        return new PodsUsage(resident, written, managed, descriptors, threads);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"resident {Resident / 1e6:0.0} MB, private {Private / 1e6:0.0} MB, managed {Managed / 1e6:0.0} MB, "
        + $"{Descriptors} descriptors, {Threads} threads");
}
