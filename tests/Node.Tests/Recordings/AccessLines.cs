using System.Text.RegularExpressions;
using Ztunnel.Demo;

namespace Node.Tests.Recordings;

/// <summary>Access lines as text, and what of them differs from run to run.</summary>
internal static partial class AccessLines
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Whether a line of either form belongs to the access log.</summary>
    public static bool IsAccess(string line) =>
        line.Contains("\taccess\t", StringComparison.Ordinal)
        || line.Contains("\"scope\":\"access\"", StringComparison.Ordinal);

    /// <summary>The line without time stamp, client port and duration, each checked for its form.</summary>
    public static string Mask(string line)
    {
        line = Time.Replace(line, "${before}TIME", 1);
        line = SourcePort.Replace(line, "${before}PORT", 1);
        return Duration.Replace(line, "${before}0", 1);
    }

    /// <summary>The port of <c>src.addr</c>.</summary>
    public static string SourcePortOf(string line) => SourcePort.Match(line).Groups["port"].Value;

    /// <summary>All access lines since a position.</summary>
    public static string[] AccessSince(this ProxyProcess proxy, long since) =>
        [.. proxy.Log.Since(since).Where(IsAccess)];

    /// <summary>
    /// Waits until so many access lines that fit have come since a position, and returns all there are.
    /// </summary>
    public static async Task<string[]> WaitForAccessAsync(
        this ProxyProcess proxy, long since, int count, Func<string, bool> fits, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Limit);
        try
        {
            await proxy.Log.FirstAsync(_ => Lines().Length >= count, since, deadline.Token);
            return Lines();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Lines(); // too few: the comparison says which
        }

        string[] Lines() => [.. proxy.AccessSince(since).Where(fits)];
    }

    [GeneratedRegex("""^(?<before>|.*"time":")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z""")]
    private static partial Regex Time { get; }

    [GeneratedRegex("""(?<before>src\.addr(=|":")(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]):)(?<port>\d+)""")]
    private static partial Regex SourcePort { get; }

    [GeneratedRegex("""(?<before>duration(="|":"))\d+(?=ms")""")]
    private static partial Regex Duration { get; }
}
