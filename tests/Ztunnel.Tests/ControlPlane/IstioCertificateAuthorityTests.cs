using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Hbone.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Identity;
using Ztunnel.Protos.CertificateApi;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>The client of istiod's CA against a real gRPC server: what it sends and what it makes of the answers.</summary>
public sealed class IstioCertificateAuthorityTests : IAsyncLifetime
{
    private static readonly SpiffeId Web = new("cluster.local", "shop", "web");

    private CertificateAuthorityServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await CertificateAuthorityServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task T8_T10_Issue_GoodChain_IsSplitIntoLeafIntermediatesAndRoots()
    {
        var certificate = await IssueAsync(Options);

        Assert.Equal(Web, certificate.Identity);
        Assert.True(certificate.Leaf.HasPrivateKey);
        Assert.Equal([_server.Authority.Intermediate], certificate.Intermediates);
        Assert.Equal([_server.Authority.Root], certificate.Roots);
    }

    [Fact]
    public async Task T10_Issue_ThreeAfterTheLeaf_AreTwoIntermediatesAndARoot()
    {
        using var other = new SigningAuthority("other", DateTimeOffset.UtcNow);
        _server.Answer = (request, _) =>
        {
            var response = _server.Sign(request);
            response.CertChain.Insert(2, other.Intermediate.ExportCertificatePem());
            return Task.FromResult(response);
        };

        var certificate = await IssueAsync(Options);

        Assert.Equal([_server.Authority.Intermediate, other.Intermediate], certificate.Intermediates);
        Assert.Equal([_server.Authority.Root], certificate.Roots);
    }

    [Fact]
    public async Task Issue_Shared_SendsWhatTheContractSays()
    {
        await IssueAsync(Options with
        {
            SecretTtl = TimeSpan.FromSeconds(3600.9),
            AuthToken = new AuthTokenSource(null, CertificateAuthorityServer.Token),
            ClusterId = "east",
            Ca = Options.Ca with { Headers = [KeyValuePair.Create("x-tenant", "blue")] },
        });

        var (request, headers) = Assert.Single(_server.Calls);
        Assert.Equal(3600, request.ValidityDuration);
        var (key, value) = Assert.Single(request.Metadata.Fields);
        Assert.Equal(("ImpersonatedIdentity", Web.ToString()), (key, value.StringValue));
        Assert.Equal($"Bearer {CertificateAuthorityServer.Token}", headers.GetValue("authorization"));
        Assert.Equal("east", headers.GetValue("clusterid"));
        Assert.Equal("blue", headers.GetValue("x-tenant"));
    }

    [Fact]
    public async Task T9_Issue_Csr_VerifiesAndAsksForOneCriticalUri()
    {
        await IssueAsync(Options);
        await IssueAsync(Options);

        var csrs = _server.Calls.Select(call => CertificateRequest.LoadSigningRequestPem(
            call.Request.Csr,
            HashAlgorithmName.SHA256,
            CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions)).ToArray(); // checks the signature
        Assert.All(csrs, csr =>
        {
            Assert.Empty(csr.SubjectName.Name);
            Assert.Equal(256, csr.PublicKey.GetECDsaPublicKey()!.KeySize);
            var extension = Assert.Single(csr.CertificateExtensions);
            Assert.True(extension.Critical);
            Assert.Equal(SpiffeName.ToExtension(Web).RawData, extension.RawData);
        });
        Assert.NotEqual(csrs[0].PublicKey.EncodedKeyValue.RawData, csrs[1].PublicKey.EncodedKeyValue.RawData);
    }

    [Fact]
    public async Task Issue_Dedicated_NamesNobodyAndTakesAnyName()
    {
        var other = Web with { };
        _server.Answer = (request, _) => Task.FromResult(_server.Sign(request, other = new("td", "ns", "assigned")));

        var certificate = await IssueAsync(Options with { Mode = ProxyMode.Dedicated, PacketMark = null });

        Assert.Null(Assert.Single(_server.Calls).Request.Metadata);
        Assert.Equal(other, certificate.Identity);
    }

    [Fact]
    public async Task Issue_WithoutToken_SendsNeitherTokenNorCluster()
    {
        await IssueAsync(Options with { AuthToken = null, ClusterId = "east" });

        var headers = Assert.Single(_server.Calls).Headers;
        Assert.Null(headers.Get("authorization"));
        Assert.Null(headers.Get("clusterid"));
    }

    [Fact]
    public async Task Issue_TokenFileReplaced_IsReadForEachRequest()
    {
        var file = Path.GetTempFileName();
        try
        {
            _server.ExpectedToken = "fresh";
            using var authority = Connect(Options with { AuthToken = new AuthTokenSource(file, null) });

            await File.WriteAllTextAsync(file, "", Token);
            Assert.Equal($"authentication token {file} is empty", await FailureAsync(authority));
            await File.WriteAllTextAsync(file, "expired", Token);
            Assert.Equal(
                "signing gRPC error (Unauthenticated): request authenticate failure", await FailureAsync(authority));
            await File.WriteAllTextAsync(file, "fresh\n", Token);

            Assert.Equal(Web, (await authority.IssueAsync(Web, Token)).Identity);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The projected token: sent as soon as it is there, and nothing is sent before.</summary>
    [Fact]
    public async Task Issue_OptionalTokenFileThatComesLate_IsReadWhenItIsThere()
    {
        using var folder = new TemporaryDirectory();
        var file = Path.Combine(folder.Path, "token");
        var optional = new AuthTokenSource(file, null) { IsOptional = true };
        using var authority = Connect(Options with { AuthToken = optional });
        using var strict = Connect(Options with { AuthToken = optional with { IsOptional = false } });

        await authority.IssueAsync(Web, Token);
        Assert.StartsWith("authentication token: Could not find", await FailureAsync(strict), StringComparison.Ordinal);
        Directory.CreateDirectory(folder.Path);
        await File.WriteAllTextAsync(file, "fresh", Token);
        await authority.IssueAsync(Web, Token);

        Assert.Equal(
            [null, "Bearer fresh"], _server.Calls.Select(call => call.Headers.GetValue("authorization")));
    }

    [Fact]
    public async Task Issue_TokenThatCannotBeSent_IsNotShown()
    {
        var error = await FailureAsync(Options with { AuthToken = new AuthTokenSource(null, "secret\u0001") });

        Assert.Equal("authentication token (literal) holds characters that cannot be sent", error);
    }

    [Fact]
    public async Task T8_Issue_EmptyChain_IsRefused()
    {
        Answer();

        Assert.Equal($"chain returned from CA is empty for: {Web}", await FailureAsync(Options));
    }

    [Fact]
    public async Task Issue_LeafAlone_IsRefused()
    {
        _server.Answer = (request, _) => Task.FromResult(new IstioCertificateResponse
        {
            CertChain = { _server.Sign(request).CertChain[0] },
        });

        Assert.Equal("no root certificate present", await FailureAsync(Options));
    }

    [Fact]
    public async Task T8_Issue_AnotherIdentity_IsRefused()
    {
        _server.Answer = (request, _) => Task.FromResult(_server.Sign(request, new("cluster.local", "shop", "bob")));

        Assert.Equal($"did not find expected SAN: {Web}", await FailureAsync(Options));
    }

    [Fact]
    public async Task Issue_CertificateForAnotherKey_IsRefused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _server.Answer = (request, _) =>
        {
            request.Csr = CertificateSigningRequest.ToPem(other, Web);
            return Task.FromResult(_server.Sign(request));
        };

        Assert.Equal(
            $"certificate from the CA is not for the key of the request: {Web}", await FailureAsync(Options));
    }

    [Theory]
    [InlineData("garbage", "no PEM certificate in it")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA", "a PEM block is damaged or cut off")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "a PEM block does not hold a certificate")]
    public async Task Issue_GarbagePem_IsRefused(string leaf, string reason)
    {
        Answer(leaf, _server.Authority.RootPem);

        Assert.Equal($"invalid certificate 1 of 2 from the CA: {reason}", await FailureAsync(Options));
    }

    [Fact]
    public async Task Issue_RootThatDoesNotDecode_IsSkipped()
    {
        _server.Answer = (request, _) =>
        {
            var response = _server.Sign(request);
            response.CertChain[^1] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + response.CertChain[^1];
            return Task.FromResult(response);
        };

        Assert.Equal([_server.Authority.Root], (await IssueAsync(Options)).Roots);
    }

    [Fact]
    public async Task Issue_HugeErrorText_IsShortened()
    {
        _server.Answer = (_, _) => throw new RpcException(new Status(StatusCode.Internal, new string('x', 20_000)));

        var error = await FailureAsync(Options);

        Assert.Equal($"signing gRPC error (Internal): {new string('x', 512)}...", error);
    }

    [Fact]
    public async Task Issue_ServerAborts_IsAnErrorAndTheNextCallWorks()
    {
        using var authority = Connect(Options);
        _server.Answer = (_, context) =>
        {
            context.GetHttpContext().Abort();
            return Task.FromResult(new IstioCertificateResponse());
        };
        Assert.StartsWith("signing gRPC error (", await FailureAsync(authority), StringComparison.Ordinal);

        _server.Answer = (request, _) => Task.FromResult(_server.Sign(request));

        Assert.Equal(Web, (await authority.IssueAsync(Web, Token)).Identity);
    }

    [Fact]
    public async Task Issue_Cancelled_EndsTheCallOnTheServer()
    {
        var (called, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Answer = async (_, context) =>
        {
            called.SetResult();
            await using var registration = context.CancellationToken.Register(ended.SetResult);
            await ended.Task;
            return new IstioCertificateResponse();
        };
        using var authority = Connect(Options);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Token);

        var issuing = authority.IssueAsync(Web, giveUp.Token);
        await called.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => issuing);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Token);
    }

    private ProxyOptions Options => ControlPlaneTestOptions.Trusting(_server.Authority.RootPem);

    private void Answer(params string[] chain) =>
        _server.Answer = (_, _) => Task.FromResult(new IstioCertificateResponse { CertChain = { chain } });

    private IstioCertificateAuthority Connect(ProxyOptions options) =>
        new(_server.Address, options, NullLogger<IstioCertificateAuthority>.Instance);

    private async Task<WorkloadCertificate> IssueAsync(ProxyOptions options)
    {
        using var authority = Connect(options);
        return await authority.IssueAsync(Web, Token);
    }

    private async Task<string> FailureAsync(ProxyOptions options)
    {
        using var authority = Connect(options);
        return await FailureAsync(authority);
    }

    private static async Task<string> FailureAsync(IstioCertificateAuthority authority) =>
        (await Assert.ThrowsAsync<IdentityException>(() => authority.IssueAsync(Web, Token))).Message;
}
