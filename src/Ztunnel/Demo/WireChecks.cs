using System.Security.Cryptography;

namespace Ztunnel.Demo;

/// <summary>What somebody on the network between the nodes can read.</summary>
internal static class WireChecks
{
    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
        [new("no payload is readable on the node link", SearchWireAsync)];

    private static async Task<string> SearchWireAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var (secret, control) = (NewMarker(), NewMarker());
        await using var capture = await PacketCapture.StartAsync(
            cluster.Switch,
            cluster.Client.Node.SwitchPort,
            Path.Combine(cluster.Folder, "wire.pcap"),
            cancellationToken);
        var empty = capture.Length;
        await EchoAsync(cluster.Server, secret);
        await capture.WaitUntilLongerAsync(empty, cancellationToken);
        var tunnelled = capture.Length - empty;

        // Recorded in order: once the plaintext marker is there, all of the tunnel's packets are, too.
        await EchoAsync(cluster.Plain, control);
        await capture.WaitUntilContainsAsync(control, cancellationToken);
        if (capture.Contains(secret))
        {
            throw new CheckFailedException($"marker {secret} of a tunnelled request passed in plain text");
        }

        return FormattableString.Invariant($"{tunnelled} bytes of tunnel hold no marker, plain TCP shows its own");

        async Task EchoAsync(Pod pod, string marker)
        {
            var url = WebChecks.Url(pod.IPv4, DemoMesh.WebPort, $"echo?text={marker}");
            var answer = (await WebChecks.CurlAsync(cluster.Client, url, cancellationToken)).Succeeded().Output;
            if (answer != marker)
            {
                throw new CheckFailedException($"nginx answered '{answer}'");
            }
        }
    }

    private static string NewMarker() => $"marker-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
}
