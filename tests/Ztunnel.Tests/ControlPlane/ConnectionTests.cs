using Grpc.Core;
using Ztunnel.Config;
using Ztunnel.Tests.Identity;
using Ztunnel.Xds;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Control-plane 2.1: who the server must be, and what is said to it.</summary>
public sealed class ConnectionTests
{
    [Fact]
    public async Task Token_IsReadForEachStreamAndClusterIsSaid()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder.Path);
        var path = Path.Combine(folder.Path, "token");
        await File.WriteAllTextAsync(path, "old\n", TestContext.Current.CancellationToken);
        await using var fixture = await ClientFixture.StartAsync(
            options => options with { AuthToken = new AuthTokenSource(path, null) },
            script: script => script.RequiredAuthorization = "Bearer new");

        await fixture.WaitForEndsAsync("ConnectionError");
        await File.WriteAllTextAsync(path, "new", TestContext.Current.CancellationToken);
        var stream = await fixture.AcceptAsync();

        Assert.Equal("Kubernetes", stream.Headers.GetValue("clusterid"));
    }

    [Fact]
    public async Task RootFile_ThatComesLate_IsRead()
    {
        using var folder = new TemporaryDirectory();
        Directory.CreateDirectory(folder.Path);
        var path = Path.Combine(folder.Path, "root.pem");
        var pem = "";
        await using var fixture = await ClientFixture.StartAsync(options =>
        {
            pem = options.Xds.RootCertificates.Value;
            return options with { Xds = options.Xds with { RootCertificates = RootCertificateSource.Parse(path) } };
        });

        await fixture.WaitForEndsAsync("Error");
        await File.WriteAllTextAsync(path, pem, TestContext.Current.CancellationToken);

        await fixture.AcceptAsync();
    }

    [Theory]
    [InlineData("root")]
    [InlineData("name")]
    public async Task WrongServer_IsNotSpokenTo(string what)
    {
        using var others = new ServerCertificates();
        await using var fixture = await ClientFixture.StartAsync(
            options => what == "root"
                ? options with
                {
                    Xds = options.Xds with { RootCertificates = RootCertificateSource.Parse(others.RootPem) },
                }
                : options,
            serverName: what == "name" ? "istiod.example.com" : "localhost");

        await fixture.WaitForEndsAsync("ConnectionError");

        Assert.False(fixture.Server.Script.Accepted.TryPeek(out _));
    }

    [Fact]
    public async Task AlternateHostname_IsAccepted()
    {
        await using var fixture = await ClientFixture.StartAsync(
            options => options with { Xds = options.Xds with { AlternateHostname = "istiod.example.com" } },
            serverName: "istiod.example.com");

        await fixture.AcceptAsync();
    }

    [Fact]
    public async Task Headers_OfTheEnvironment_AreSent()
    {
        await using var fixture = await ClientFixture.StartAsync(
            options => options with { Xds = options.Xds with { Headers = [new("x-tenant", "blue")] } });

        var stream = await fixture.AcceptAsync();

        Assert.Equal("blue", stream.Headers.GetValue("x-tenant"));
        Assert.Null(stream.Headers.GetValue("authorization"));
        Assert.Null(stream.Headers.GetValue("clusterid"));
    }

    [Fact]
    public async Task Cleartext_IsRefusedAtStart()
    {
        var failure = await Assert.ThrowsAsync<ConfigurationException>(() => ClientFixture.StartAsync(
            options => options with { XdsAddress = new Uri("http://localhost:15010") }));

        Assert.Contains("XDS_ADDRESS", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Backoff_DoublesToItsCapAndStartsAgain()
    {
        var backoff = new Backoff(new Random(1));

        var waits = Enumerable.Range(0, 20).Select(_ => backoff.Next(StreamEnd.ConnectionError)).ToArray();

        Assert.InRange(waits[0], TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(20));
        Assert.InRange(waits[^1], Backoff.Most / 2, Backoff.Most);
        Assert.InRange(backoff.Next(StreamEnd.Reconnect), Backoff.Least / 2, Backoff.Least);
    }

    /// <summary>Section 2.7.</summary>
    [Theory]
    [InlineData(StatusCode.Unknown, "", true, "Reconnect")]
    [InlineData(StatusCode.Unavailable, "transport is closing", true, "Reconnect")]
    [InlineData(StatusCode.Unavailable, "overloaded", true, "Error")]
    [InlineData(StatusCode.Internal, "", true, "Error")]
    [InlineData(StatusCode.Unauthenticated, "", false, "ConnectionError")]
    public void Status_OfTheEnd_IsCounted(StatusCode code, string detail, bool wasOpen, string expected) =>
        Assert.Equal(expected, StreamFailure.EndOf(new RpcException(new Status(code, detail)), wasOpen).ToString());
}
