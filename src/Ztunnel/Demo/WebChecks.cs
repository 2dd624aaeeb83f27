using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using static Ztunnel.Demo.DemoMesh;

namespace Ztunnel.Demo;

/// <summary>
/// curl in the client's pod, nginx in the server's: the everyday case, in both families, by address and by service.
/// </summary>
internal static class WebChecks
{
    private const int BigFileBytes = 256 * 1024 * 1024;
    private const string BigFile = "256MiB";
    private const int ShortConnections = 2_000;

    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("curl to nginx, by pod address, IPv4", (c, t) => FetchAsync(c, c.Server.IPv4, WebPort, t)),
        new("curl to nginx, by pod address, IPv6", (c, t) => FetchAsync(c, c.Server.IPv6!, WebPort, t)),
        new("curl to nginx, by service, IPv4", (c, t) => FetchAsync(c, AddressPlan.Service4(1), ServicePort, t)),
        new("curl to nginx, by service, IPv6", (c, t) => FetchAsync(c, AddressPlan.Service6(1), ServicePort, t)),
        new("nginx sees the client's own address", SeesClientAsync),
        new("256 MiB arrive with the right SHA-256", FetchBigFileAsync),
        new("2,000 short connections in a row", OpenManyAsync),
    ];

    /// <summary>Runs curl in a pod.</summary>
    internal static Task<CommandResult> CurlAsync(Pod pod, string url, CancellationToken cancellationToken) =>
        pod.Namespace.RunAsync(new ProcessSpec("curl", "-sS", "-f", "-g", "--max-time", "10", url), cancellationToken);

    /// <summary>A URL of nginx in a pod, or of its service.</summary>
    internal static string Url(IPAddress address, int port, string path) => FormattableString.Invariant(
        $"http://{(address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address)}:{port}/{path}");

    private static async Task<string> FetchAsync(
        DemoCluster cluster, IPAddress address, int port, CancellationToken cancellationToken)
    {
        var since = cluster.ServerProxy.Log.Count;
        var page = (await CurlAsync(cluster.Client, Url(address, port, ""), cancellationToken)).Succeeded().Output;
        if (page != "hello from nginx")
        {
            throw new CheckFailedException($"nginx said {page}");
        }

        await cluster.ServerProxy.WaitForLogAsync(
            since,
            cancellationToken,
            "connection complete",
            $"src.identity=\"{ClientIdentity}\"",
            $"dst.identity=\"{ServerIdentity}\"",
            "direction=\"inbound\"");
        return "mutual TLS, both identities logged";
    }

    private static async Task<string> SeesClientAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        foreach (var (server, client) in new[]
        {
            (cluster.Server.IPv4, cluster.Client.IPv4),
            (cluster.Server.IPv6!, cluster.Client.IPv6!),
        })
        {
            var url = Url(server, WebPort, "whoami");
            var seen = (await CurlAsync(cluster.Client, url, cancellationToken)).Succeeded().Output;
            if (seen != client.ToString())
            {
                throw new CheckFailedException($"nginx sees {seen}, the client is {client}");
            }
        }

        return $"{cluster.Client.IPv4} and {cluster.Client.IPv6}";
    }

    private static async Task<string> FetchBigFileAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var expected = await WriteBigFileAsync(Path.Combine(cluster.Files, BigFile), cancellationToken);
        var url = Url(cluster.Server.IPv4, WebPort, $"files/{BigFile}");

        var started = Stopwatch.GetTimestamp();
        var pipeline = new ProcessSpec("sh", "-c", $"curl -sS -f --max-time 100 {url} | sha256sum");
        var limit = TimeSpan.FromSeconds(110);
        var result = (await cluster.Client.Namespace.RunAsync(pipeline, cancellationToken, limit)).Succeeded();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        var actual = result.Output.Split(' ')[0];
        return actual == expected
            ? FormattableString.Invariant($"{expected[..12]}..., {seconds:0.0} s")
            : throw new CheckFailedException($"SHA-256 is {actual}, not {expected}. {result.Error}");
    }

    /// <summary>Bytes that no part of the way can compress or repeat unnoticed; their hash.</summary>
    private static async Task<string> WriteBigFileAsync(string path, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file = File.Create(path);
        var random = new Random();
        var block = new byte[1024 * 1024];
        for (var written = 0; written < BigFileBytes; written += block.Length)
        {
            random.NextBytes(block);
            hash.AppendData(block);
            await file.WriteAsync(block, cancellationToken);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task<string> OpenManyAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        // curl counts the connections itself, so that a reused one would show.
        var started = Stopwatch.GetTimestamp();
        var url = Url(cluster.Server.IPv4, WebPort, FormattableString.Invariant($"[1-{ShortConnections}]"));
        var curl = new ProcessSpec(
            "curl", "-sS", "-o", "/dev/null", "-H", "Connection: close", "--max-time", "10",
            "-w", "%{http_code} %{num_connects}\\n", url);
        var result = await cluster.Client.Namespace.RunAsync(curl, cancellationToken, TimeSpan.FromMinutes(2));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;

        var good = result.Output.Split('\n').Count(line => line == "200 1");
        return good == ShortConnections
            ? FormattableString.Invariant($"{ShortConnections / seconds:0} per second")
            : throw new CheckFailedException(
                FormattableString.Invariant($"{good} of {ShortConnections} succeeded. {result.Error.Split('\n')[0]}"));
    }
}
