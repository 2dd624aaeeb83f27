using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Ztunnel.Dns;

/// <summary>What <c>/etc/resolv.conf</c> says (resolv.conf(5)), as far as a forwarder needs it.</summary>
/// <param name="Servers">Name servers, in order; at most three, as the C library takes them.</param>
/// <param name="Search">Search list, lower case, no final dots.</param>
/// <param name="Timeout">Option <c>timeout</c>: wait for one try. 1 to 30 s, default 5 s.</param>
/// <param name="Attempts">Option <c>attempts</c>: tries. 1 to 5, default 2.</param>
internal sealed record ResolverFile(
    ImmutableArray<IPEndPoint> Servers, ImmutableArray<string> Search, TimeSpan Timeout, int Attempts)
{
    /// <summary>Where it is.</summary>
    public const string DefaultPath = "/etc/resolv.conf";

    private const int DnsPort = 53;
    private const int MaxServers = 3;      // MAXNS
    private const int MaxTimeoutSeconds = 30; // RES_MAXRETRANS
    private const int MaxAttempts = 5;     // RES_MAXRETRY
    private const int MaxFileLength = 64 * 1024;

    /// <summary>How long a query may take in all.</summary>
    public TimeSpan Limit => Timeout * Attempts;

    /// <summary>Reads the file.</summary>
    /// <exception cref="IOException">It cannot be read; the message names it.</exception>
    public static ResolverFile Read(string path)
    {
        try
        {
            var file = new FileInfo(path);
            return file.Length <= MaxFileLength
                ? Parse(File.ReadAllText(path))
                : throw new IOException($"{file.Length} bytes are no resolver configuration");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot read the resolver configuration {path}: {e.Message}", e);
        }
    }

    /// <summary>Reads its text. As in the C library, what is not understood is skipped and the last search list counts.</summary>
    public static ResolverFile Parse(string text)
    {
        var servers = new List<IPEndPoint>();
        ImmutableArray<string> search = [];
        var (timeout, attempts) = (5, 2);
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var address, ..]
                    when servers.Count < MaxServers && IPAddress.TryParse(address, out var server):
                    servers.Add(new IPEndPoint(server, DnsPort));
                    break;
                case ["search", .. var domains]:
                    search = [.. domains.Select(Normalize).Where(domain => domain.Length > 0)];
                    break;
                case ["domain", var domain, ..]:
                    search = [Normalize(domain)];
                    break;
                case ["options", .. var options]:
                    timeout = Number(options, "timeout:", MaxTimeoutSeconds) ?? timeout;
                    attempts = Number(options, "attempts:", MaxAttempts) ?? attempts;
                    break;
            }
        }

        return new ResolverFile([.. servers], search, TimeSpan.FromSeconds(timeout), attempts);
    }

    private static string Normalize(string domain) => domain.TrimEnd('.').ToLowerInvariant();

    private static int? Number(string[] options, string key, int most)
    {
        var option = options.LastOrDefault(option => option.StartsWith(key, StringComparison.Ordinal));
        return int.TryParse(option?[key.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? Math.Clamp(value, 1, most)
            : null;
    }
}
