using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hbone.Http2;
using Hbone.Tests.Http2;
using Hbone.Tests.Http2.Requirements;
using Hbone.Tls;

namespace Hbone.Tests.Tls;

/// <summary>Which peers are let in, and what is said of the others. Our server and our client, and strangers to both.</summary>
public sealed class HandshakeTests : IDisposable
{
    private const string ClientUri = "spiffe://cluster.local/ns/default/sa/client";
    private const string ServerUri = "spiffe://cluster.local/ns/default/sa/server";
    private static readonly SpiffeId ServerId = SpiffeId.Parse(ServerUri);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly TestLeaf _root = TestLeaf.Authority("one root");
    private readonly TestLeaf _otherRoot = TestLeaf.Authority("another root");
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public HandshakeTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    /// <summary>A client's certificate, and what our server says of it.</summary>
    public static TheoryData<string, string> RefusedClients => new()
    {
        { "other root", "invalid peer certificate: UnknownIssuer" },
        { "self-signed", "invalid peer certificate: UnknownIssuer" },
        { "expired", "invalid peer certificate: Expired" },
        { "not yet valid", "invalid peer certificate: NotValidYet" },
        { "server only", "invalid peer certificate: InvalidPurpose" },
        { "intermediate missing", "invalid peer certificate: UnknownIssuer" },
        { "other trust domain", "invalid peer certificate: identity verification error: peer did not present the expected trustdomain (cluster.local), got spiffe://elsewhere.example/ns/default/sa/client" },
        { "no name", "invalid peer certificate: identity verification error: peer did not present the expected trustdomain (cluster.local), got " },
        { "name of another shape", "invalid peer certificate: identity verification error: peer did not present the expected trustdomain (cluster.local), got " },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _listener.Dispose();
        _root.Dispose();
        _otherRoot.Dispose();
    }

    [Theory]
    [MemberData(nameof(RefusedClients))]
    public async Task T13_Server_RefusesClient_NamingTheReason(string which, string reason)
    {
        using var server = _root.Issue([ServerUri]);
        using var client = ClientOf(which);

        var e = await AcceptRefusingAsync(server.Trusting(_root), client.Trusting(_root));

        Assert.Equal(reason, e.Message);
    }

    [Theory]
    [MemberData(nameof(RefusedClients))]
    public async Task Client_RefusesServer_NamingTheReason(string which, string reason)
    {
        using var client = _root.Issue([ClientUri]);
        using var server = which == "server only"
            ? _root.Issue([ServerUri], purposes: [TestLeaf.ClientAuth])
            : ClientOf(which);

        var e = await DialRefusingAsync(client.Trusting(_root), server.Trusting(_root));

        Assert.Equal(
            reason.Replace("trustdomain (cluster.local)", $"SAN ({ServerUri})", StringComparison.Ordinal), e.Message);
    }

    [Fact]
    public async Task Server_LeafThatSignedAnother_Refused()
    {
        using var server = _root.Issue([ServerUri]);
        using var leaf = _root.Issue([ClientUri], subject: "O=no authority");
        using var forged = leaf.Issue(["spiffe://cluster.local/ns/default/sa/admin"]);
        var accepting = AcceptAsync(server.Trusting(_root));

        await using var client = await HboneEndpoint.ConnectAsync(
            await DialAsync(), forged.With([leaf.Certificate], _root), [ServerId], new(), TimeProvider.System, Token);

        var e = await Assert.ThrowsAsync<TlsException>(() => accepting);
        Assert.Equal("invalid peer certificate: UnknownIssuer", e.Message);
    }

    [Fact]
    public async Task OwnCertificateThatOpenSslRefuses_TlsExceptionAndTheSocketClosed()
    {
        using var weak = System.Security.Cryptography.RSA.Create(512); // below the security level that OpenSSL keeps
        var request = new CertificateRequest(
            "O=weak",
            weak,
            System.Security.Cryptography.HashAlgorithmName.SHA256,
            System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var leaf = request.CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        using var root = X509CertificateLoader.LoadCertificate(_root.Certificate.RawData);

        var accepting = AcceptAsync(new WorkloadCertificate(leaf, [], [root]));
        using var socket = await DialAsync();

        Assert.Equal("workload certificate: ee key too small", (await Assert.ThrowsAsync<TlsException>(() => accepting)).Message);
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Token));
    }

    [Fact]
    public async Task Server_ClientWithoutCertificate_Refused()
    {
        using var server = _root.Issue([ServerUri]);

        var e = await AcceptRefusingAsync(server.Trusting(_root), client: null);

        Assert.Equal("peer did not return a certificate", e.Message);
    }

    [Theory]
    [InlineData("no extended key usage")]
    [InlineData("client only")]
    [InlineData("several names")]
    [InlineData("through an intermediate")]
    [InlineData("RSA")]
    [InlineData("RSA authority")]
    [InlineData("the other of two roots")]
    [InlineData("intermediate as anchor")]
    public async Task Server_AcceptsClient(string which)
    {
        using var rsaRoot = TestLeaf.Authority("RSA root", rsa: true);
        using var intermediate = TestLeaf.Authority("intermediate", _root);
        using var server = _root.Issue([ServerUri]);
        using var leaf = which switch
        {
            "no extended key usage" => _root.Issue([ClientUri], purposes: []),
            "client only" => _root.Issue([ClientUri], purposes: [TestLeaf.ClientAuth]),
            "several names" => _root.Issue(["https://example.com/", "spiffe://other/ns/a/sa/b", ClientUri]),
            "through an intermediate" or "intermediate as anchor" => intermediate.Issue([ClientUri]),
            "RSA" => _root.Issue([ClientUri], rsa: true),
            "RSA authority" => rsaRoot.Issue([ClientUri]),
            _ => _otherRoot.Issue([ClientUri]),
        };
        TestLeaf[] roots = which switch
        {
            "RSA authority" => [_root, rsaRoot],
            "the other of two roots" => [_root, _otherRoot],
            "intermediate as anchor" => [intermediate],
            _ => [_root],
        };
        X509Certificate2Collection chain = which == "through an intermediate" ? [intermediate.Certificate] : [];

        var accepting = AcceptAsync(server.Trusting(roots));
        await using var client = await HboneEndpoint.ConnectAsync(
            await DialAsync(), leaf.With(chain, _root), [ServerId], new(), TimeProvider.System, Token);
        await using var accepted = await accepting;

        Assert.Contains(accepted.PeerIds, id => id.ToString() == ClientUri);
        Assert.Equal([ServerId], client.PeerIds);
    }

    [Fact]
    public async Task D11_T10_TwoRootsInOneBundle_EachSideOfItsOwn()
    {
        using var server = _root.Issue([ServerUri]);
        using var leaf = _otherRoot.Issue([ClientUri]);

        var accepting = AcceptAsync(server.Trusting(_root, _otherRoot));
        await using var client = await HboneEndpoint.ConnectAsync(
            await DialAsync(), leaf.Trusting(_root, _otherRoot), [ServerId], new(), TimeProvider.System, Token);

        await using var accepted = await accepting;
        Assert.True(accepted.IsOpen);
    }

    [Fact]
    [Requirement("9113-3.2-1", Role = Role.Server)]
    public async Task Server_AlpnWithoutH2_Refused()
    {
        using var server = _root.Issue([ServerUri]);
        using var client = _root.Issue([ClientUri]);

        var e = await AcceptRefusingAsync(
            server.Trusting(_root), client.Trusting(_root), o => o.ApplicationProtocols = [SslApplicationProtocol.Http11]);

        Assert.Equal("no application protocol", e.Message);
    }

    [Fact]
    public async Task Server_NoAlpnAtAll_Accepted()
    {
        using var server = _root.Issue([ServerUri]);
        using var client = _root.Issue([ClientUri]);

        var accepting = AcceptAsync(server.Trusting(_root));
        await using var peer = await DialStrangerAsync(client.Trusting(_root), o => o.ApplicationProtocols = null);
        await using var accepted = await accepting;

        Assert.True(accepted.IsOpen);
    }

    [Fact]
    [Requirement("9113-3.2-1", "9113-3.3-1", Role = Role.Server)]
    public async Task Server_OffersH2_Tls13_Aes256()
    {
        using var server = _root.Issue([ServerUri]);
        using var client = _root.Issue([ClientUri]);

        var accepting = AcceptAsync(server.Trusting(_root));
        await using var peer = await DialStrangerAsync(
            client.Trusting(_root),
            o => o.ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2]);
        await using var accepted = await accepting;

        Assert.Equal(SslApplicationProtocol.Http2, peer.Tls.NegotiatedApplicationProtocol);
        Assert.Equal(SslProtocols.Tls13, peer.Tls.SslProtocol);
        Assert.Equal(TlsCipherSuite.TLS_AES_256_GCM_SHA384, peer.Tls.NegotiatedCipherSuite);
    }

    [Fact]
    public async Task Server_Tls12_RefusedUnlessAllowed()
    {
        using var server = _root.Issue([ServerUri]);
        using var client = _root.Issue([ClientUri]);
        static void Tls12(SslClientAuthenticationOptions options) => options.EnabledSslProtocols = SslProtocols.Tls12;

        var e = await AcceptRefusingAsync(server.Trusting(_root), client.Trusting(_root), Tls12);
        Assert.Equal("unsupported protocol", e.Message);

        var accepting = AcceptAsync(server.Trusting(_root), new HboneEndpointOptions { AllowTls12 = true });
        await using var peer = await DialStrangerAsync(client.Trusting(_root), Tls12);
        await using var accepted = await accepting;
        Assert.Equal(SslProtocols.Tls12, peer.Tls.SslProtocol);
        Assert.Equal(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, peer.Tls.NegotiatedCipherSuite);
    }

    [Fact]
    public async Task Client_ServerOfTls12_Refused()
    {
        using var server = _root.Issue([ServerUri]);
        using var client = _root.Issue([ClientUri]);
        var stranger = RawPeer.AcceptAsync(
            _listener, server.Trusting(_root), o => o.EnabledSslProtocols = SslProtocols.Tls12);

        var e = await Assert.ThrowsAsync<TlsException>(() => ConnectAsync(client.Trusting(_root)));

        Assert.Equal("tlsv1 alert protocol version", e.Message);
        await Assert.ThrowsAnyAsync<Exception>(() => stranger);
    }

    [Fact]
    public async Task Client_ServerWithoutAlpn_Accepted()
    {
        using var server = _root.Issue([ServerUri]);
        using var client = _root.Issue([ClientUri]);
        var accepting = RawPeer.AcceptAsync(_listener, server.Trusting(_root), o => o.ApplicationProtocols = null);

        await using var connection = await ConnectAsync(client.Trusting(_root));

        await using var peer = await accepting;
        await peer.ReadPrefaceAsync();
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "http request")]
    [InlineData("\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008", "wrong version number")]
    public async Task Server_NoTls_Refused(string said, string reason)
    {
        using var server = _root.Issue([ServerUri]);
        var accepting = AcceptAsync(server.Trusting(_root));
        using var socket = await DialAsync();

        await socket.SendAsync(System.Text.Encoding.Latin1.GetBytes(said), Token);

        var e = await Assert.ThrowsAsync<TlsException>(() => accepting);
        Assert.Equal(reason, e.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HandshakeThatStopsAfterOneByte_EndsAtTheLimit(bool server)
    {
        using var leaf = _root.Issue([ServerUri]);
        var options = new HboneEndpointOptions { TlsHandshakeTimeout = TimeSpan.FromMilliseconds(200) };
        var handshake = server ? AcceptAsync(leaf.Trusting(_root), options) : ConnectAsync(leaf.Trusting(_root), options);
        using var socket = server ? await DialAsync() : await _listener.AcceptAsync(Token);

        await socket.SendAsync(new byte[] { 0x16 }, Token);

        var e = await Assert.ThrowsAsync<TlsException>(() => handshake);
        Assert.Equal("handshake not finished within 0.2 s", e.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PeerClosesInTheHandshake_Eof(bool server)
    {
        using var leaf = _root.Issue([ServerUri]);
        var handshake = server ? AcceptAsync(leaf.Trusting(_root)) : ConnectAsync(leaf.Trusting(_root));
        using var socket = server ? await DialAsync() : await _listener.AcceptAsync(Token);

        socket.Shutdown(SocketShutdown.Send);

        Assert.Equal("tls handshake eof", (await Assert.ThrowsAsync<TlsException>(() => handshake)).Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PeerResetsInTheHandshake_TlsException(bool server)
    {
        using var leaf = _root.Issue([ServerUri]);
        var handshake = server ? AcceptAsync(leaf.Trusting(_root)) : ConnectAsync(leaf.Trusting(_root));
        var socket = server ? await DialAsync() : await _listener.AcceptAsync(Token);
        await socket.SendAsync(new byte[] { 0x16, 3, 1 }, Token);
        if (!server)
        {
            await socket.ReceiveAsync(new byte[1], Token); // its first words are out, or it would meet a broken pipe
        }

        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Dispose();

        Assert.Equal("Connection reset by peer", (await Assert.ThrowsAsync<TlsException>(() => handshake)).Message);
    }

    [Fact]
    public async Task CallerGivesUp_Cancelled()
    {
        using var leaf = _root.Issue([ServerUri]);
        using var giveUp = new CancellationTokenSource();
        var handshake = AcceptUntilAsync(leaf.Trusting(_root), new(), giveUp.Token);
        using var socket = await DialAsync();

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handshake);
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1], Token));
    }

    [Fact]
    public async Task RefusedClient_LearnsTheReason()
    {
        using var server = _root.Issue([ServerUri]);
        using var leaf = _root.Issue(["spiffe://elsewhere.example/ns/default/sa/client"]);
        var accepting = AcceptAsync(server.Trusting(_root));

        // TLS 1.3: the client is done before the server has looked at its certificate.
        await using var client = await ConnectAsync(leaf.Trusting(_root));
        var stream = client.TryOpen([new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")]);

        await Assert.ThrowsAsync<TlsException>(() => accepting);
        await client.Completion.WaitAsync(Deadline, Token);
        Assert.True(stream is null || stream.Failure is Http2ConnectionException);
    }

    [Fact]
    public async Task FailedHandshakes_LeaveNoDescriptor()
    {
        using var server = _root.Issue([ServerUri]);
        using var expired = ClientOf("expired");
        using var leaf = _root.Issue([ClientUri]);
        var trusting = server.Trusting(_root);
        await AcceptRefusingAsync(trusting, expired.Trusting(_root));
        var before = OpenSockets();

        for (var i = 0; i < 50; i++)
        {
            await AcceptRefusingAsync(trusting, expired.Trusting(_root));
            await DialRefusingAsync(leaf.Trusting(_root), expired.Trusting(_root));
        }

        await Eventually.TrueAsync(() => OpenSockets() <= before + 4); // other tests run beside this one
    }

    private static int OpenSockets() => Directory.GetFiles("/proc/self/fd").Length;

    private TestLeaf ClientOf(string which)
    {
        switch (which)
        {
            case "other root":
                return _otherRoot.Issue([ClientUri]);
            case "self-signed":
                return TestLeaf.Authority("nobody");
            case "expired":
                return _root.Issue([ClientUri], from: -2, to: -1);
            case "not yet valid":
                return _root.Issue([ClientUri], from: 1, to: 2);
            case "server only":
                return _root.Issue([ClientUri], purposes: [TestLeaf.ServerAuth]);
            case "intermediate missing":
                using (var intermediate = TestLeaf.Authority("intermediate", _root))
                {
                    return intermediate.Issue([ClientUri]);
                }

            case "other trust domain":
                return _root.Issue(["spiffe://elsewhere.example/ns/default/sa/client"]);
            case "no name":
                return _root.Issue([]);
            default:
                return _root.Issue(["spiffe://cluster.local/client", "https://cluster.local/ns/default/sa/client"]);
        }
    }

    // Our server refuses a stranger.
    private async Task<TlsException> AcceptRefusingAsync(
        WorkloadCertificate server,
        WorkloadCertificate? client,
        Action<SslClientAuthenticationOptions>? configure = null)
    {
        var accepting = AcceptAsync(server);
        var stranger = DialStrangerAsync(client, configure);
        var e = await Assert.ThrowsAsync<TlsException>(() => accepting.WaitAsync(Deadline, Token));
        try
        {
            await (await stranger).DisposeAsync();
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            // It may or may not be done before it learns.
        }

        return e;
    }

    // Our client refuses a stranger.
    private async Task<TlsException> DialRefusingAsync(WorkloadCertificate client, WorkloadCertificate server)
    {
        var stranger = RawPeer.AcceptAsync(_listener, server);
        var e = await Assert.ThrowsAsync<TlsException>(() => ConnectAsync(client));
        await Assert.ThrowsAnyAsync<Exception>(() => stranger);
        return e;
    }

    private Task<RawPeer> DialStrangerAsync(
        WorkloadCertificate? client, Action<SslClientAuthenticationOptions>? configure = null) =>
        RawPeer.DialAsync((IPEndPoint)_listener.LocalEndPoint!, client, configure);

    private Task<Http2Connection> AcceptAsync(WorkloadCertificate certificate, HboneEndpointOptions? options = null) =>
        AcceptUntilAsync(certificate, options ?? new(), Token);

    private async Task<Http2Connection> AcceptUntilAsync(
        WorkloadCertificate certificate, HboneEndpointOptions options, CancellationToken giveUp) =>
        await HboneEndpoint.AcceptAsync(
            await _listener.AcceptAsync(Token),
            certificate,
            options,
            request => request.Refuse(503),
            TimeProvider.System,
            giveUp);

    private async Task<Http2Connection> ConnectAsync(
        WorkloadCertificate certificate, HboneEndpointOptions? options = null) =>
        await HboneEndpoint.ConnectAsync(
            await DialAsync(), certificate, [ServerId], options ?? new(), TimeProvider.System, Token);

    private async Task<Socket> DialAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_listener.LocalEndPoint!, Token);
        return socket;
    }
}
