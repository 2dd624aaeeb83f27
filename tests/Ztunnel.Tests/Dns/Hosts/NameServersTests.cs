using Ztunnel.Dns;
using Ztunnel.Dns.Hosts;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Dns.Hosts;

/// <summary>When the proxy's own resolver configuration is read anew.</summary>
public sealed class NameServersTests
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly NameServers _servers;
    private string? _text = "nameserver 192.0.2.1";
    private int _reads;

    public NameServersTests() => _servers = new NameServers(Read, new DnsLimits(), _time);

    [Fact]
    public void Unchanged_WhatIsKnownOfTheServersStays()
    {
        var first = _servers.Forwarder;
        Assert.Same(first, _servers.Forwarder);
        Assert.Equal(1, _reads);

        _time.Advance(Age);

        Assert.Same(first, _servers.Forwarder);
        Assert.Equal(2, _reads);
    }

    [Theory]
    [InlineData("nameserver 192.0.2.2")]
    [InlineData("nameserver 192.0.2.1\noptions timeout:1")]
    public void Changed_IsUsedWhenItIsSeen(string text)
    {
        var first = _servers.Forwarder;
        _text = text;
        Assert.Same(first, _servers.Forwarder);

        _time.Advance(Age);

        Assert.NotSame(first, _servers.Forwarder);
    }

    [Fact]
    public void Unreadable_AtFirstAnError_LaterWhatItSaidLast()
    {
        _text = null;
        Assert.Throws<IOException>(() => _servers.Forwarder);
        _text = "nameserver 192.0.2.1";
        var first = _servers.Forwarder;

        _text = null;
        _time.Advance(Age);

        Assert.Same(first, _servers.Forwarder);
    }

    private ResolverFile Read()
    {
        _reads++;
        return ResolverFile.Parse(_text ?? throw new IOException("gone"));
    }
}
