using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Dns;
using Ztunnel.Dns.Hosts;
using Ztunnel.Dns.Wire;
using static Ztunnel.Tests.Dns.Messages;

namespace Ztunnel.Tests.Dns.Hosts;

/// <summary>What becomes of name servers' answers, good and bad: control-plane 3.6.</summary>
public sealed class HostQueriesTests
{
    private const string Name = "vm.example.com";
    private const ushort Cut = 0x8380;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BothFamilies_AreAskedForTogether_AndTheShorterTimeCounts()
    {
        await using var server = new ScriptedNameServer(query => TypeOf(query) == DnsType.A
            ? [Records(query, 300, "192.0.2.1", "192.0.2.2")]
            : [Records(query, 120, "2001:db8::1")]);

        var answer = await AskAsync([server.Address]);

        AssertAddresses(answer, "192.0.2.1", "192.0.2.2", "2001:db8::1");
        Assert.Equal(TimeSpan.FromSeconds(120), answer.Lifetime);
        Assert.All(server.Queries, query => Assert.Equal(Name, DnsName.ToHostname(query.AsSpan(12))));
    }

    [Fact]
    public async Task WithoutIpv6_OnlyTheOneFamilyIsAskedFor()
    {
        await using var server = new ScriptedNameServer(query => [Records(query, 60, "192.0.2.1")]);

        AssertAddresses(await AskAsync([server.Address], ipv6: false), "192.0.2.1");

        Assert.Equal(DnsType.A, TypeOf(Assert.Single(server.Queries)));
    }

    [Theory]
    [InlineData(3, "the name does not exist", 5)]
    [InlineData(2, "the name server says ServerFailure", 1)]
    [InlineData(5, "the name server says Refused", 1)]
    public async Task Errors_AreFailures_KeptShortly(int code, string failure, int seconds)
    {
        await using var server = ScriptedNameServer.Failing(code);

        var answer = await AskAsync([server.Address]);

        Assert.Empty(answer.Addresses);
        Assert.Equal((failure, TimeSpan.FromSeconds(seconds)), (answer.Failure, answer.Lifetime));
    }

    [Fact]
    public async Task NameWithoutAddresses_IsNoFailure()
    {
        await using var server = new ScriptedNameServer(query => [Answer(query)]);

        var answer = await AskAsync([server.Address]);

        Assert.Empty(answer.Addresses);
        Assert.Equal((null, TimeSpan.FromSeconds(5)), (answer.Failure, answer.Lifetime));
    }

    [Theory]
    [InlineData(DnsType.A, "192.0.2.1")]
    [InlineData(DnsType.Aaaa, "2001:db8::1")]
    public async Task OneFamilyOnly_IsAnAnswer(ushort type, string address)
    {
        await using var server = new ScriptedNameServer(query => TypeOf(query) == type
            ? [Records(query, 60, address)]
            : [Answer(query)]);

        var answer = await AskAsync([server.Address]);

        AssertAddresses(answer, address);
        Assert.Equal(TimeSpan.FromSeconds(60), answer.Lifetime);
    }

    /// <summary>Such name servers exist: what is asked for besides must not cost the time of a whole query each time.</summary>
    [Fact]
    public async Task OneFamilyIsNeverAnswered_TheOtherIsNotHeldUp_AndItIsAskedForSoonAgain()
    {
        await using var server = new ScriptedNameServer(query => TypeOf(query) == DnsType.A
            ? [Records(query, 3600, "192.0.2.1")]
            : []);
        var limits = new HostLimits { OtherFamily = TimeSpan.FromMilliseconds(50) };

        var answer = await AskAsync([server.Address], limits);

        AssertAddresses(answer, "192.0.2.1");
        Assert.Equal(limits.NobodyKept, answer.Lifetime);
    }

    [Fact]
    public async Task SilentServer_FailsInBoundedTime()
    {
        await using var server = ScriptedNameServer.Silent();

        var answer = await AskAsync([server.Address], new HostLimits { Duration = TimeSpan.FromMilliseconds(200) });

        Assert.Empty(answer.Addresses);
        Assert.Equal($"{server.Address}: no answer in time", answer.Failure);
    }

    [Fact]
    public async Task ServerGone_FailsAtOnce_AndTheNextOneIsAsked()
    {
        var gone = ScriptedNameServer.Silent();
        await gone.DisposeAsync();
        await using var server = ScriptedNameServer.Of("192.0.2.1");

        var alone = await AskAsync([gone.Address], ipv6: false);
        var both = await AskAsync([gone.Address, server.Address], ipv6: false);

        Assert.Contains("Connection refused", alone.Failure);
        AssertAddresses(both, "192.0.2.1");
    }

    [Fact]
    public async Task NoServers_Fails() =>
        Assert.Equal("no name servers are configured", (await AskAsync([])).Failure);

    [Fact]
    public async Task ConfigurationThatCannotBeRead_Fails()
    {
        var answer = await QueriesFor(() => throw new IOException("cannot read it"), new HostLimits(), ipv6: true)
            .AskAsync(Name, Token).WaitAsync(Limit, Token);

        Assert.Equal(("cannot read it", TimeSpan.FromSeconds(1)), (answer.Failure, answer.Lifetime));
    }

    /// <summary>First over UDP without records and truncated, then over TCP whole.</summary>
    [Fact]
    public async Task Truncated_IsAskedForOverTcp()
    {
        var asked = 0;
        await using var server = new ScriptedNameServer(query => Interlocked.Increment(ref asked) == 1
            ? [Answer(query, flags: Cut)]
            : [Records(query, 60, [.. Enumerable.Range(1, 200).Select(i => $"192.0.2.{i}")])]);

        var answer = await AskAsync([server.Address], ipv6: false);

        Assert.Equal(new HostLimits().Addresses, answer.Addresses.Length);
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task TruncatedAndNothingOverTcp_WhatThereIsHasToDo()
    {
        var asked = 0;
        await using var server = new ScriptedNameServer(query =>
        {
            if (Interlocked.Increment(ref asked) > 1)
            {
                return [[.. query[..2], 0xff]];
            }

            var part = Records(query, 60, "192.0.2.1");
            part[2] |= 0x02;
            return [part];
        });

        AssertAddresses(await AskAsync([server.Address], ipv6: false), "192.0.2.1");
    }

    /// <summary>None of these is an answer to what was asked; each is followed by one that is.</summary>
    [Theory]
    [InlineData("id")]
    [InlineData("question")]
    [InlineData("type")]
    [InlineData("short")]
    [InlineData("query")]
    public async Task HostileAnswers_AreNobodys(string what)
    {
        await using var server = new ScriptedNameServer(query =>
        {
            var hostile = Records(query, 60, "203.0.113.66");
            switch (what)
            {
                case "id":
                    hostile[0] ^= 0xff;
                    break;
                case "question":
                    hostile[13] ^= 0x01;
                    break;
                case "type":
                    hostile[12 + Messages.Name(Name).Length + 1] = 16;
                    break;
                case "short":
                    hostile = hostile[..11];
                    break;
                case "query":
                    hostile[2] &= 0x7f;
                    break;
            }

            return [hostile, Records(query, 60, "192.0.2.1")];
        });

        AssertAddresses(await AskAsync([server.Address], ipv6: false), "192.0.2.1");
    }

    /// <summary>Records that say they are longer than the message, or that there are more of them.</summary>
    [Theory]
    [InlineData("count")]
    [InlineData("length")]
    [InlineData("pointer")]
    public async Task MalformedAnswers_AreFailures(string what)
    {
        await using var server = new ScriptedNameServer(query =>
        {
            var malformed = Records(query, 60, "192.0.2.1");
            var record = malformed.Length - 16;
            switch (what)
            {
                case "count":
                    malformed[6] = malformed[7] = 0xff;
                    break;
                case "length":
                    malformed[record + 10] = 0xff;
                    break;
                case "pointer":
                    malformed[record + 1] = (byte)record; // to itself
                    break;
            }

            return [malformed];
        });

        var answer = await AskAsync([server.Address], ipv6: false);

        Assert.Empty(answer.Addresses);
        Assert.Equal($"{server.Address}: malformed answer", answer.Failure);
    }

    [Fact]
    public async Task AddressesThatNobodyCanHave_AreLeftOut()
    {
        await using var server = new ScriptedNameServer(query => TypeOf(query) == DnsType.A
            ? [Records(query, 60, "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "192.0.2.1")]
            : [Records(query, 60, "::", "ff02::1", "::ffff:0.0.0.0", "::ffff:192.0.2.2", "2001:db8::1")]);

        AssertAddresses(await AskAsync([server.Address]), "192.0.2.1", "192.0.2.2", "2001:db8::1");
    }

    [Theory]
    [InlineData(0u, 0)]
    [InlineData(0x80000000u, 0)] // RFC 2181 section 8
    [InlineData(0x7fffffffu, 86_400)]
    public async Task TimeToLive_HasItsBounds(uint timeToLive, int seconds)
    {
        await using var server = new ScriptedNameServer(query => [Records(query, timeToLive, "192.0.2.1")]);

        Assert.Equal(TimeSpan.FromSeconds(seconds), (await AskAsync([server.Address], ipv6: false)).Lifetime);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork, "192.0.2.1", "192.0.2.2")]
    [InlineData(AddressFamily.InterNetworkV6, "2001:db8::1", "2001:db8::2")]
    public void Pick_AnyOfTheDialledFamily(AddressFamily family, params string[] expected)
    {
        var answer = new HostAnswer(
            [
                IPAddress.Parse("2001:db8::1"), IPAddress.Parse("192.0.2.1"),
                IPAddress.Parse("192.0.2.2"), IPAddress.Parse("2001:db8::2"),
            ],
            null,
            Limit);
        var random = new Random(1);

        var counts = Enumerable.Range(0, 1000).Select(_ => $"{answer.Pick(family, random)}").CountBy(picked => picked)
            .ToDictionary();

        Assert.Equal(expected, counts.Keys.Order());
        Assert.All(counts.Values, count => Assert.InRange(count, 420, 580)); // the standard deviation is 16
    }

    [Fact]
    public void Pick_TheOtherFamilyIfThereIsNoOther()
    {
        var answer = new HostAnswer([IPAddress.Parse("2001:db8::1")], null, Limit);

        Assert.Equal(answer.Addresses[0], answer.Pick(AddressFamily.InterNetwork, new Random(1)));
        Assert.Null(HostAnswer.Failed("no").Pick(AddressFamily.InterNetwork, new Random(1)));
    }

    private static ushort TypeOf(byte[] query) => BinaryPrimitives.ReadUInt16BigEndian(query.AsSpan(query.Length - 4));

    private static void AssertAddresses(HostAnswer answer, params string[] expected)
    {
        Assert.Null(answer.Failure);
        Assert.Equal(expected, answer.Addresses.Select(address => address.ToString()));
    }

    /// <summary>An answer with records of the family that is asked for.</summary>
    private static byte[] Records(byte[] query, uint timeToLive, params string[] addresses)
    {
        var answer = Answer(query).ToList();
        answer[7] = (byte)addresses.Length;
        foreach (var address in addresses)
        {
            var octets = IPAddress.Parse(address).GetAddressBytes();
            answer.AddRange(
            [
                0xc0, 12,
                .. Words(TypeOf(query), 1, (ushort)(timeToLive >> 16), (ushort)timeToLive, (ushort)octets.Length),
                .. octets,
            ]);
        }

        return [.. answer];
    }

    private static Task<HostAnswer> AskAsync(
        ImmutableArray<IPEndPoint> servers, HostLimits? limits = null, bool ipv6 = true)
    {
        var file = new ResolverFile(servers, [], TimeSpan.FromSeconds(15), 1);
        return QueriesFor(() => file, limits ?? new HostLimits(), ipv6).AskAsync(Name, Token).WaitAsync(Limit, Token);
    }

    private static HostQueries QueriesFor(Func<ResolverFile> read, HostLimits limits, bool ipv6) => new(
        new NameServers(read, new DnsLimits(), TimeProvider.System),
        new UdpTransport(netns: null, mark: null, TimeSpan.FromSeconds(1), TimeProvider.System),
        new TcpTransport(new UpstreamConnector(), new UpstreamSocketOptions { ConnectTimeout = TimeSpan.FromSeconds(5) }),
        ipv6,
        limits,
        TimeProvider.System);
}
