using System.Globalization;
using System.Net;
using System.Text.Json;
using Node.Bench.Load;
using Node.Bench.Peers;
using Ztunnel.Demo;

namespace Node.Bench.Failover;

/// <summary>
/// New connections to a service of three endpoints, one of which refuses them or never answers, with what the proxy does
/// about it switched on and off in turn. Prints the median and the range over the rounds.
/// </summary>
internal static class FailoverCommand
{
    /// <summary>The argument that starts it: path of the proxy, rounds and connections follow.</summary>
    public const string Command = "failover";

    private const int OutboundPort = 15_001;
    private const string Dead = "10.77.0.5";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly IPAddress Vip = IPAddress.Parse("10.96.0.1");
    private static readonly string[] Live = ["10.77.0.3", "10.77.0.4"];

    private static readonly (string Name, string Retry, string Ejection)[] Variants =
        [("both", "true", "true"), ("retry", "true", "false"), ("neither", "false", "false")];

    /// <returns>0, or 1 when something went wrong.</returns>
    public static async Task<int> RunAsync(string binary, string rounds, string connections)
    {
        try
        {
            await Topology.RemoveLeftoversAsync();
            foreach (var silent in new[] { false, true })
            {
                await RunAsync(binary, int.Parse(rounds, CultureInfo.InvariantCulture), connections, silent);
            }

            return 0;
        }
        catch (Exception e) when (e is BenchException or CommandException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static async Task RunAsync(string binary, int rounds, string connections, bool silent)
    {
        var results = Variants.ToDictionary(variant => variant.Name, _ => new List<NewConnections>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var variant in Variants)
            {
                results[variant.Name].Add(
                    await MeasureAsync(binary, variant.Retry, variant.Ejection, connections, silent));
            }
        }

        foreach (var (name, all) in results)
        {
            var (median, least, most) = Spread(all.Select(result => result.P99Milliseconds));
            var (middle, _, _) = Spread(all.Select(result => result.MedianMilliseconds));
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(silent ? "silent" : "refusing")} {name}: served {all.Sum(result => result.Served)} of "
                + $"{all.Sum(result => result.Served + result.Failed)}, median {middle:0.00} ms, "
                + $"p99 {median:0.0} ms ({least:0.0}-{most:0.0})"));
        }
    }

    private static async Task<NewConnections> MeasureAsync(
        string binary, string retry, string ejection, string connections, bool silent)
    {
        var token = CancellationToken.None;
        await using var pods = await PodPair.CreateAsync(token);
        await pods.Source.IpAsync([$"route add {Vip}/32 dev eth0"], token);
        await pods.Destination.IpAsync(
            [.. Live.Append(Dead).Select(address => $"address add {address}/24 dev eth0")], token);
        var rules = "table inet dead { chain input { type filter hook input priority 0; "
            + $"ip daddr {Dead} tcp flags syn {(silent ? "drop" : "reject with tcp reset")}; }}; }}\n";
        (await pods.Destination.RunAsync(new ProcessSpec("nft", "-f", "-") { Input = rules }, token)).Succeeded();
        await Capture.ApplyAsync(pods.Source, token);
        var mesh = Path.Combine(pods.Folder, "mesh.yaml");
        await File.WriteAllTextAsync(mesh, Mesh(), token);
        var echo = new ProcessSpec(
            [Environment.ProcessPath!, EchoServer.Command, FormattableString.Invariant($"{PodPair.EchoPort}")]);
        await using var server = await pods.Destination.StartListenerAsync(echo, PodPair.EchoPort, token);
        var proxy = new ZtunnelPeer(binary).Proxy(pods, "a");
        proxy = proxy with
        {
            Environment = new Dictionary<string, string?>(proxy.Environment)
            {
                ["ENABLE_CONNECT_RETRY"] = retry,
                ["ENABLE_ENDPOINT_EJECTION"] = ejection,
                ["HBONE_CONNECT_TIMEOUT"] = "3s",
            },
        };
        await using var running = await pods.Source.StartListenerAsync(proxy, OutboundPort, token);
        var client = await pods.Source.RunAsync(
            new ProcessSpec([Environment.ProcessPath!, NewConnections.Command, $"{Vip}:80", connections]), token, Limit);
        client.Succeeded();
        return JsonSerializer.Deserialize<NewConnections>(client.Output)!;
    }

    private static (double Median, double Least, double Most) Spread(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2], sorted[0], sorted[^1]);
    }

    private static string Mesh() =>
        $$"""
        workloads:
        {{Workload("a", PodPair.SourceAddress.ToString(), "HBONE", "{}")}}
        {{string.Join('\n', Live.Append(Dead).Select((address, i) => Workload(
            $"web-{i}", address, "TCP", "{\"default/web.default.svc.cluster.local\": {}}")))}}
        services:
        - name: web
          namespace: default
          hostname: web.default.svc.cluster.local
          vips: ["/{{Vip}}"]
          ports: {80: {{PodPair.EchoPort}}}

        """;

    private static string Workload(string name, string address, string protocol, string services) =>
        $"""
        - uid: cluster1//v1/Pod/default/{name}
          name: {name}
          namespace: default
          serviceAccount: {name}
          trustDomain: cluster.local
          workloadIps: ["{address}"]
          protocol: {protocol}
          node: node-{name}
          network: ""
          services: {services}
        """;
}
