using System.Globalization;

namespace Ztunnel.Config;

/// <summary>
/// How many threads serve connections. <c>ZTUNNEL_WORKER_THREADS</c> decides, else <c>concurrency</c> of ProxyConfig,
/// else the pod's CPU limit (raised to its request), else a quarter of the node's processors but not below the request
/// nor 2.
/// </summary>
internal static class WorkerThreads
{
    private const string CpuLimit = "ZTUNNEL_CPU_LIMIT";
    private const string ResourceLimit = "ZTUNNEL_RESOURCE_CPU_LIMIT";
    private const string ResourceRequest = "ZTUNNEL_RESOURCE_CPU_REQUEST";
    private const string Threads = "ZTUNNEL_WORKER_THREADS";
    private const int FewestWithoutLimit = 2;

    /// <summary>At least 1.</summary>
    public static int Count(EnvironmentReader environment, ushort? concurrency, int logicalCores)
    {
        var limit = ResourceQuantity(environment, ResourceLimit);
        var request = ResourceQuantity(environment, ResourceRequest);
        // The chart always sets the plain limit, from the node's processors when the pod has none of its own.
        var plainLimit = environment.Int(CpuLimit, logicalCores, minimum: 1, int.MaxValue);
        var cpus = limit ?? plainLimit;

        if (environment.Text(Threads) is { } threads)
        {
            return Requested(threads, cpus);
        }

        return concurrency switch
        {
            0 => cpus,
            { } count => count,
            null when limit is { } enforced => Math.Max(enforced, request ?? 1),
            null => Math.Max(Math.Max(RoundUp(cpus / 4m), request ?? 1), FewestWithoutLimit),
        };
    }

    private static int Requested(string text, int cpus)
    {
        if (text is [.. var percentText, '%'])
        {
            return decimal.TryParse(
                    percentText, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
                && percent is > 0 and <= 100
                    ? RoundUp(cpus * percent / 100)
                    : throw EnvironmentReader.Unexpected(Threads, "a percentage above 0 and up to 100", text);
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count == 0 ? cpus : count
            : throw EnvironmentReader.Unexpected(Threads, "a whole number or a percentage such as '50%'", text);
    }

    /// <summary>A Kubernetes CPU quantity, <c>2</c>, <c>1.5</c> or <c>500m</c>, rounded up.</summary>
    private static int? ResourceQuantity(EnvironmentReader environment, string name)
    {
        if (environment.Text(name) is not { } text)
        {
            return null;
        }

        var (number, divisor) = text is [.. var milli, 'm'] ? (milli, 1000) : (text, 1);
        return decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cpus)
            && cpus > 0
            && cpus / divisor <= int.MaxValue
                ? RoundUp(cpus / divisor)
                : throw EnvironmentReader.Unexpected(name, "CPUs above zero such as '2', '1.5' or '500m'", text);
    }

    private static int RoundUp(decimal value) => (int)Math.Ceiling(value);
}
