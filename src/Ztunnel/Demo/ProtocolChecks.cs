using System.Globalization;

namespace Ztunnel.Demo;

/// <summary>Applications that do not simply ask and get an answer.</summary>
internal static class ProtocolChecks
{
    private const int BannerPort = 2525;
    private const int HalfClosePort = 7001;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("redis: set and get", SetAndGetAsync),
        new("server speaks first (SMTP banner)", ReceiveBannerAsync),
        new("client half-closes, answer comes after (nc -N)", HalfCloseAsync),
    ];

    private static async Task<string> SetAndGetAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var set = await RedisAsync("set", "greeting", "hello");
        var get = await RedisAsync("get", "greeting");
        return (set, get) == ("OK", "hello") ? get : throw new CheckFailedException($"redis said {set}, {get}");

        async Task<string> RedisAsync(params string[] command)
        {
            var client = new ProcessSpec(["redis-cli", "-h", cluster.Server.IPv4.ToString(), .. command]);
            return (await cluster.Client.Namespace.RunAsync(client, cancellationToken)).Succeeded().Output;
        }
    }

    private static async Task<string> ReceiveBannerAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        const string Banner = "220 mail.shop.example ESMTP ready";
        var listen = new ProcessSpec("nc", "-N", "-l", Text(BannerPort)) { Input = $"{Banner}\n" };
        await using var server = await cluster.Server.Namespace.StartAsync(listen);
        await server.WaitForListenerAsync(BannerPort, Limit, cancellationToken);

        // -d: never reads its input, so nothing goes to the server before its banner has come.
        var client = new ProcessSpec("nc", "-d", cluster.Server.IPv4.ToString(), Text(BannerPort));
        var received = (await cluster.Client.Namespace.RunAsync(client, cancellationToken)).Succeeded().Output;

        return received == Banner ? received : throw new CheckFailedException($"received '{received}'");
    }

    private static async Task<string> HalfCloseAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        // Reads to the end before it answers. nc cannot: it leaves when its peer has ended.
        const string AnswerAtEnd =
            """
            my $listener = IO::Socket::INET->new(Listen => 1, LocalPort => shift, ReuseAddr => 1) or die $!;
            my $client = $listener->accept;
            my @question = <$client>;
            print $client "answer to ", @question;
            """;
        var listen = new ProcessSpec("perl", "-MIO::Socket::INET", "-e", AnswerAtEnd, Text(HalfClosePort));
        await using var server = await cluster.Server.Namespace.StartAsync(listen);
        await server.WaitForListenerAsync(HalfClosePort, Limit, cancellationToken);

        // -N: sends its end as soon as its input has ended, and goes on receiving.
        var (address, port) = (cluster.Server.IPv4.ToString(), Text(HalfClosePort));
        var ask = new ProcessSpec("nc", "-N", address, port) { Input = "question\n" };
        var received = (await cluster.Client.Namespace.RunAsync(ask, cancellationToken, Limit)).Succeeded().Output;

        return received == "answer to question"
            ? "both directions end on their own"
            : throw new CheckFailedException($"received '{received}'");
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
