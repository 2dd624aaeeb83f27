using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Http2;
using Hbone.Tests.Http2;
using Hbone.Tls;

namespace Hbone.Tests.Tls;

/// <summary>
/// Handshakes with peers whose chains are revoked in some way or not, by our server and by our client against strangers;
/// data-path 13, C2, C3 and C5.
/// </summary>
public sealed class RevokedPeerTests : IDisposable
{
    private const string PeerUri = "spiffe://cluster.local/ns/default/sa/peer";
    private const string OwnUri = "spiffe://cluster.local/ns/default/sa/own";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly TestLeaf _root = TestLeaf.Authority("one root");
    private readonly TestLeaf _upper;
    private readonly TestLeaf _lower;
    private readonly TestLeaf _leaf;
    private readonly PeerRevocations _revocations = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RevokedPeerTests()
    {
        _upper = TestLeaf.Authority("upper", _root);
        _lower = TestLeaf.Authority("lower", _upper);
        _leaf = _lower.Issue([PeerUri]);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _listener.Dispose();
        _leaf.Dispose();
        _lower.Dispose();
        _upper.Dispose();
        _root.Dispose();
    }

    [Theory]
    [InlineData("leaf")]
    [InlineData("lower intermediate")]
    [InlineData("upper intermediate")]
    [InlineData("leaf, list expired")]
    [InlineData("leaf, list among others")]
    [InlineData("leaf, list of a hundred thousand")]
    public async Task C2_T15_RevokedInTheChain_RefusedByBothRoles(string which)
    {
        Revoke(which switch
        {
            "leaf" => [_lower.Revoke(_leaf)],
            "lower intermediate" => [_upper.Revoke(_lower)],
            "upper intermediate" => [_root.Revoke(_upper)],
            "leaf, list expired" => [_lower.RevokeSerials(-1, _leaf.Certificate.SerialNumberBytes.ToArray())],
            "leaf, list among others" => [_root.Revoke(), _upper.Revoke(), _lower.Revoke(), _lower.Revoke(_leaf)],
            _ => [_lower.RevokeSerials(
                1,
                [
                    .. Enumerable.Range(0, 100_000).Select(_ => (byte[])[1, .. RandomNumberGenerator.GetBytes(15)]),
                    _leaf.Certificate.SerialNumberBytes.ToArray(),
                ])],
        });

        var byServer = await Assert.ThrowsAsync<TlsException>(() => AcceptAsync(Peer()));
        var byClient = await Assert.ThrowsAsync<TlsException>(() => DialAsync(Peer()));

        Assert.Equal("invalid peer certificate: Revoked", byServer.Message);
        Assert.Equal("invalid peer certificate: Revoked", byClient.Message);
        Assert.True(byServer.IsPeerRevoked && byClient.IsPeerRevoked);
        Assert.Equal((1, 1), (_revocations.Clients.Rejected, _revocations.Servers.Rejected));
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("no list at all")]
    [InlineData("another leaf")]
    [InlineData("same serial at another level")]
    [InlineData("root by itself")]
    [InlineData("leaf by an authority of the same name")]
    [InlineData("leaf by the right name and the wrong key type")]
    public async Task C5_T15_NotRevoked_AcceptedByBothRoles(string which)
    {
        using var another = _lower.Issue([PeerUri]);
        using var namesake = TestLeaf.Authority("lower", _upper);
        using var namesakeRsa = TestLeaf.Authority("lower", rsa: true);
        Revoke(which switch
        {
            "nothing" => [_lower.Revoke(), _upper.Revoke(), _root.Revoke()],
            "no list at all" => [],
            "another leaf" => [_lower.Revoke(another)],
            "same serial at another level" => [_upper.Revoke(_leaf), _root.Revoke(_lower), _lower.Revoke(_upper)],
            "root by itself" => [_root.Revoke(_root)],
            "leaf by an authority of the same name" => [namesake.Revoke(_leaf)],
            _ => [namesakeRsa.Revoke(_leaf)],
        });

        await AcceptAsync(Peer());
        await DialAsync(Peer());

        Assert.Equal((0, 0), (_revocations.Clients.Rejected, _revocations.Servers.Rejected));
    }

    [Fact]
    public async Task C5_T15_TwoAuthoritiesOfOneNameWithOneSerial_OnlyTheRevokedOneRefused()
    {
        byte[] serial = [0x12, 0x34];
        using var first = TestLeaf.Authority("namesake", _root);
        using var second = TestLeaf.Authority("namesake", _root);
        using var good = first.Issue([PeerUri], serial: serial);
        using var bad = second.Issue([PeerUri], serial: serial);
        Revoke(first.Revoke(), second.RevokeSerials(1, serial));

        // Twice: the second time from memory.
        for (var i = 0; i < 2; i++)
        {
            await AcceptAsync(good.With([first.Certificate], _root));
            await Assert.ThrowsAsync<TlsException>(() => AcceptAsync(bad.With([second.Certificate], _root)));
        }
    }

    [Fact]
    public async Task AnchorThatIsAnIntermediate_IsTrustedAndNotChecked()
    {
        Revoke(_root.Revoke(_upper));
        using var own = _root.Issue([OwnUri]);

        await AcceptAsync(Peer(), own.Trusting(_upper));
    }

    [Fact]
    public async Task RevokedClient_IsToldWithTheAlert()
    {
        // RFC 8446 section 6.2: certificate_revoked(44), as the stranger's library names it.
        using var peer = _root.Issue([PeerUri]);
        using var own = _root.Issue([OwnUri]);
        Revoke(_root.Revoke(peer));
        var accepting = Assert.ThrowsAsync<TlsException>(() => AcceptOneAsync(own.Trusting(_root)));

        await using var stranger = await RawPeer.DialAsync((IPEndPoint)_listener.LocalEndPoint!, peer.Trusting(_root));
        var e = await Assert.ThrowsAsync<IOException>(() => stranger.ReadAsync());

        Assert.Contains("certificate revoked", e.ToString(), StringComparison.Ordinal);
        await accepting;
    }

    [Fact]
    public async Task ListByOpenSslItself_Enforced()
    {
        using var another = _lower.Issue([PeerUri]);
        Revoke(await OpenSslListAsync(_lower, another));
        await AcceptAsync(Peer());

        Revoke(await OpenSslListAsync(_lower, another, _leaf));
        await Assert.ThrowsAsync<TlsException>(() => AcceptAsync(Peer()));
    }

    [Fact]
    public async Task ReplacedByAnEmptySet_AcceptedAgain()
    {
        Revoke(_lower.Revoke(_leaf));
        await Assert.ThrowsAsync<TlsException>(() => AcceptAsync(Peer()));

        _revocations.Replace(RevocationSet.Empty);

        await AcceptAsync(Peer());
    }

    private void Revoke(params IEnumerable<byte[]> lists) => _revocations.Replace(RevocationLists.SetOf(lists));

    private WorkloadCertificate Peer() => _leaf.With([_lower.Certificate, _upper.Certificate], _root);

    // Our server meets the peer as a client: completes when it has let the peer in.
    private async Task AcceptAsync(WorkloadCertificate peer, WorkloadCertificate? own = null)
    {
        using var leaf = _root.Issue([OwnUri]);
        var accepting = AcceptOneAsync(own ?? leaf.Trusting(_root));
        await using (await ConnectAsync(peer))
        {
            await accepting;
        }
    }

    // Our client meets the peer as a server.
    private async Task DialAsync(WorkloadCertificate peer)
    {
        using var own = _root.Issue([OwnUri]);
        var stranger = RawPeer.AcceptAsync(
            _listener, peer, options => options.ServerCertificateContext = SslStreamCertificateContext.Create(
                peer.Leaf, peer.Intermediates, offline: true));
        try
        {
            await using var connection = await HboneEndpoint.ConnectAsync(
                await SocketAsync(),
                own.Trusting(_root),
                [SpiffeId.Parse(PeerUri)],
                new HboneEndpointOptions { Revocations = _revocations },
                TimeProvider.System,
                Token).WaitAsync(Deadline, Token);
        }
        finally
        {
            await ((Task)stranger).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await (await stranger).DisposeAsync();
    }

    private async Task AcceptOneAsync(WorkloadCertificate own)
    {
        await using var connection = await HboneEndpoint.AcceptAsync(
            await _listener.AcceptAsync(Token),
            own,
            new HboneEndpointOptions { Revocations = _revocations },
            request => request.Refuse(503),
            TimeProvider.System,
            Token).WaitAsync(Deadline, Token);
    }

    private async Task<Http2Connection> ConnectAsync(WorkloadCertificate certificate) =>
        await HboneEndpoint.ConnectAsync(
            await SocketAsync(), certificate, [SpiffeId.Parse(OwnUri)], new(), TimeProvider.System, Token)
            .WaitAsync(Deadline, Token);

    private async Task<Socket> SocketAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_listener.LocalEndPoint!, Token);
        return socket;
    }

    // A list by the command line tool, from a CA database that names these certificates.
    private static async Task<byte[]> OpenSslListAsync(TestLeaf authority, params TestLeaf[] revoked)
    {
        var folder = Directory.CreateTempSubdirectory("hbone-crl-");
        try
        {
            string PathOf(string name) => Path.Combine(folder.FullName, name);
            using (var key = authority.Certificate.GetECDsaPrivateKey()!)
            {
                await File.WriteAllTextAsync(PathOf("key.pem"), key.ExportPkcs8PrivateKeyPem(), Token);
            }

            await File.WriteAllTextAsync(PathOf("ca.pem"), authority.Certificate.ExportCertificatePem(), Token);
            await File.WriteAllLinesAsync(
                PathOf("index.txt"),
                revoked.Select(leaf => $"R\t400101000000Z\t250101000000Z\t{leaf.Certificate.SerialNumber}\tunknown\t/"),
                Token);
            await File.WriteAllTextAsync(PathOf("crlnumber"), "01\n", Token);
            await File.WriteAllTextAsync(
                PathOf("ca.cnf"),
                $"[ca]\ndefault_ca=this\n[this]\ndatabase={PathOf("index.txt")}\ncrlnumber={PathOf("crlnumber")}\n"
                + "default_md=sha256\ndefault_crl_days=1\n",
                Token);
            using var process = Process.Start(new ProcessStartInfo(
                "openssl",
                [
                    "ca", "-config", PathOf("ca.cnf"), "-gencrl", "-keyfile", PathOf("key.pem"), "-cert", PathOf("ca.pem"),
                    "-out", PathOf("list.pem"),
                ])
            { RedirectStandardError = true })!;
            var error = await process.StandardError.ReadToEndAsync(Token).WaitAsync(Deadline, Token);
            await process.WaitForExitAsync(Token).WaitAsync(Deadline, Token);
            Assert.True(process.ExitCode == 0, error);
            return PemEncodedList(await File.ReadAllTextAsync(PathOf("list.pem"), Token));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static byte[] PemEncodedList(string pem) =>
        Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]);
}
