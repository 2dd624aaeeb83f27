using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>What the numbers depend on besides the peers: hardware, kernel and versions, as lines of text.</summary>
internal static partial class Machine
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static async Task<IReadOnlyList<string>> DescribeAsync(
        BenchOptions options, CancellationToken cancellationToken)
    {
        var processor = First(Model(), await File.ReadAllTextAsync("/proc/cpuinfo", cancellationToken));
        var memory = First(TotalMemory(), await File.ReadAllTextAsync("/proc/meminfo", cancellationToken));
        var system = First(PrettyName(), await File.ReadAllTextAsync("/etc/os-release", cancellationToken));
        var kernel = await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken);
        var gigabytes = double.TryParse(memory, CultureInfo.InvariantCulture, out var kilobytes) ? kilobytes / 1e6 : 0;
        var iperf = await FirstLineAsync(["iperf3", "--version"], cancellationToken);
        List<string> lines =
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Environment.ProcessorCount} CPUs, {processor}, {gigabytes:0} GB memory"),
            $"{system}, Linux {kernel.Trim()}",
            $"{RuntimeInformation.FrameworkDescription}, {iperf.Split(" (")[0]}",
        ];
        if (options.Peers.Contains(PeerNames.Reference(options.Peers)))
        {
            var build = await RunAsync(["haproxy", "-vv"], cancellationToken);
            lines.Add($"{build.Split('\n')[0].Split(" - ")[0]}, {First(TlsLibrary(), build)}");
        }

        if (options.Peers.Any(PeerNames.IsOurs))
        {
            var size = new FileInfo(options.Binary).Length / 1e6;
            var version = await FirstLineAsync([options.Binary, "version"], cancellationToken);
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"ztunnel {version}, {size:0.0} MB"));
        }

        return lines;
    }

    private static async Task<string> FirstLineAsync(
        IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        (await RunAsync(command, cancellationToken)).Split('\n')[0];

    private static async Task<string> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        (await ChildProcess.RunAsync(new ProcessSpec(command), Limit, cancellationToken)).Succeeded().Output;

    private static string First(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match ? match.Groups[1].Value : "unknown";

    [GeneratedRegex(@"^model name\s*:\s*(.+)$", RegexOptions.Multiline)]
    private static partial Regex Model();

    [GeneratedRegex(@"^MemTotal:\s*(\d+) kB$", RegexOptions.Multiline)]
    private static partial Regex TotalMemory();

    [GeneratedRegex("^PRETTY_NAME=\"(.+)\"$", RegexOptions.Multiline)]
    private static partial Regex PrettyName();

    [GeneratedRegex(@"^Running on OpenSSL version : (OpenSSL \S+)", RegexOptions.Multiline)]
    private static partial Regex TlsLibrary();
}
