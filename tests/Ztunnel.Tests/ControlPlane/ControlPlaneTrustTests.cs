using System.Security.Authentication;
using Hbone.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Control;
using Ztunnel.Identity;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Which servers are taken for the control plane, and when their roots are read (T12).</summary>
public sealed class ControlPlaneTrustTests : IDisposable
{
    private static readonly SpiffeId Web = new("cluster.local", "shop", "web");
    private readonly string _file = Path.GetTempFileName();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task Connect_AnotherRoot_IsRefusedWithTheReason()
    {
        await using var server = await CertificateAuthorityServer.StartAsync();
        using var stranger = new SigningAuthority("stranger", DateTimeOffset.UtcNow);

        var error = await FailureAsync(server, ControlPlaneTestOptions.Trusting(stranger.RootPem));

        Assert.Contains("the control plane's certificate does not verify: ", error, StringComparison.Ordinal);
        Assert.Empty(server.Calls);
    }

    [Fact]
    public async Task Connect_AnotherName_IsRefusedUnlessItIsTheAlternateOne()
    {
        await using var server = await CertificateAuthorityServer.StartAsync();
        server.ServerCertificate = server.Authority.ForServer("istiod.istio-system.svc");
        var options = ControlPlaneTestOptions.Trusting(server.Authority.RootPem);

        Assert.Contains(
            "the control plane's certificate is not for 127.0.0.1",
            await FailureAsync(server, options),
            StringComparison.Ordinal);
        Assert.Contains(
            "is neither for 127.0.0.1 nor for other.svc",
            await FailureAsync(server, options with { Ca = options.Ca with { AlternateHostname = "other.svc" } }),
            StringComparison.Ordinal);
        await IssueAsync(
            server, options with { Ca = options.Ca with { AlternateHostname = "istiod.istio-system.svc" } });
    }

    [Fact]
    public async Task Connect_Tls12_IsRefusedUnlessEnabled()
    {
        await using var server = await CertificateAuthorityServer.StartAsync(SslProtocols.Tls12);
        var options = ControlPlaneTestOptions.Trusting(server.Authority.RootPem);

        await FailureAsync(server, options);
        Assert.Empty(server.Calls);
        await IssueAsync(server, options with { Tls12Enabled = true });
    }

    [Fact]
    public async Task Connect_RootFileComesLate_IsFound()
    {
        await using var server = await CertificateAuthorityServer.StartAsync();
        File.Delete(_file);
        using var authority = Connect(server, ControlPlaneTestOptions.Trusting(_file));

        var error = await Assert.ThrowsAsync<IdentityException>(() => authority.IssueAsync(Web, Token));
        Assert.Contains(_file, error.Message, StringComparison.Ordinal);
        await File.WriteAllTextAsync(_file, server.Authority.RootPem, Token);

        Assert.Equal(Web, (await authority.IssueAsync(Web, Token)).Identity);
    }

    [Fact]
    public async Task T12_RootFileChanges_NextCallIsOnANewConnection()
    {
        await using var server = await CertificateAuthorityServer.StartAsync();
        await File.WriteAllTextAsync(_file, server.Authority.RootPem, Token);
        using var stranger = new SigningAuthority("stranger", DateTimeOffset.UtcNow);
        using var authority = Connect(server, ControlPlaneTestOptions.Trusting(_file));
        await authority.IssueAsync(Web, Token);
        await authority.IssueAsync(Web, Token);
        Assert.Equal(1, server.Connections);

        await File.WriteAllTextAsync(_file, stranger.RootPem, Token);
        await Assert.ThrowsAsync<IdentityException>(() => authority.IssueAsync(Web, Token));
        await File.WriteAllTextAsync(_file, stranger.RootPem + server.Authority.RootPem, Token);

        await authority.IssueAsync(Web, Token);
        Assert.Equal(3, server.Connections);
    }

    [Fact]
    public async Task T12_RootFileBreaks_TheVerifiedConnectionGoesOn()
    {
        await using var server = await CertificateAuthorityServer.StartAsync();
        await File.WriteAllTextAsync(_file, server.Authority.RootPem, Token);
        using var authority = Connect(server, ControlPlaneTestOptions.Trusting(_file));
        await authority.IssueAsync(Web, Token);

        await File.WriteAllTextAsync(_file, "-----BEGIN CERTIFICATE-----\nAAAA", Token);

        await authority.IssueAsync(Web, Token);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public void T12_TakeChange_File_IsReadAndClear()
    {
        using var one = new SigningAuthority("one", DateTimeOffset.UtcNow);
        using var other = new SigningAuthority("other", DateTimeOffset.UtcNow);
        File.WriteAllText(_file, one.RootPem);
        var roots = new ControlPlaneRoots(RootCertificateSource.Parse(_file));

        Assert.False(roots.TakeChange());
        roots.Read();
        Assert.False(roots.TakeChange());
        File.WriteAllText(_file, other.RootPem);
        Assert.True(roots.TakeChange());
        Assert.False(roots.TakeChange());
    }

    [Fact]
    public void T12_TakeChange_Inline_Never()
    {
        using var one = new SigningAuthority("one", DateTimeOffset.UtcNow);
        var roots = new ControlPlaneRoots(RootCertificateSource.Parse(one.RootPem));

        Assert.Equal([one.Root], roots.Read()!);
        Assert.False(roots.TakeChange());
    }

    [Fact]
    public void Read_FileWithTextAndADamagedCertificate_KeepsTheOthers()
    {
        using var one = new SigningAuthority("one", DateTimeOffset.UtcNow);
        File.WriteAllText(_file, $"# ours\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{one.RootPem}");

        Assert.Equal([one.Root], new ControlPlaneRoots(RootCertificateSource.Parse(_file)).Read()!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void Read_FileWithoutACertificate_NamesTheFile(string text)
    {
        File.WriteAllText(_file, text);

        var error = Assert.Throws<ControlPlaneException>(
            () => new ControlPlaneRoots(RootCertificateSource.Parse(_file)).Read());

        Assert.Contains(_file, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://istiod.istio-system.svc:15012")]
    [InlineData("tcp://127.0.0.1:15012")]
    public void Connect_NotHttps_IsRefused(string address)
    {
        var error = Assert.Throws<ControlPlaneException>(() => new IstioCertificateAuthority(
            new Uri(address), new ProxyOptions(), NullLogger<IstioCertificateAuthority>.Instance));

        Assert.StartsWith("unsupported scheme ", error.Message, StringComparison.Ordinal);
    }

    private static IstioCertificateAuthority Connect(CertificateAuthorityServer server, ProxyOptions options) =>
        new(server.Address, options, NullLogger<IstioCertificateAuthority>.Instance);

    private static async Task IssueAsync(CertificateAuthorityServer server, ProxyOptions options)
    {
        using var authority = Connect(server, options);
        Assert.Equal(Web, (await authority.IssueAsync(Web, Token)).Identity);
    }

    private static async Task<string> FailureAsync(CertificateAuthorityServer server, ProxyOptions options)
    {
        using var authority = Connect(server, options);
        return (await Assert.ThrowsAsync<IdentityException>(() => authority.IssueAsync(Web, Token))).Message;
    }
}
