using Ztunnel.Dns;

namespace Ztunnel.Tests.Dns;

public sealed class ResolverFileTests
{
    [Fact]
    public void Parse_WhatKubernetesWrites()
    {
        var file = ResolverFile.Parse("""
            # comment
            search ns1.svc.cluster.local SVC.cluster.local. cluster.local
            nameserver 10.96.0.10
            nameserver fd00::a
            options ndots:5 timeout:3 attempts:4
            """);

        Assert.Equal("10.96.0.10:53 [fd00::a]:53", string.Join(' ', file.Servers));
        Assert.Equal(["ns1.svc.cluster.local", "svc.cluster.local", "cluster.local"], file.Search);
        Assert.Equal((TimeSpan.FromSeconds(3), 4), (file.Timeout, file.Attempts));
    }

    [Fact]
    public void Parse_EmptyAndOdd_GivesTheDefaultsOfTheLibrary()
    {
        var file = ResolverFile.Parse("nameserver nonsense\nnameserver\noptions timeout:0 attempts:99 timeout:x\n\0\r\n");

        Assert.Empty(file.Servers);
        Assert.Equal((TimeSpan.FromSeconds(5), 5), (file.Timeout, file.Attempts));
    }

    [Fact]
    public void Parse_ManyServers_TakesThree() => Assert.Equal(
        3, ResolverFile.Parse(string.Join('\n', Enumerable.Range(1, 9).Select(i => $"nameserver 10.0.0.{i}"))).Servers.Length);

    [Fact]
    public void Read_MissingFile_NamesIt() => Assert.Contains(
        "/nowhere/resolv.conf", Assert.Throws<IOException>(() => ResolverFile.Read("/nowhere/resolv.conf")).Message);
}
