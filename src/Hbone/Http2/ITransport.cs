using Hbone.Tls;

namespace Hbone.Http2;

/// <summary>
/// What an HTTP/2 connection runs on: octets in both directions that are authenticated already. In production always
/// <see cref="Tls.OpenSsl.TlsConnection"/>; in memory where a connection is fed by the million.
/// </summary>
/// <remarks>One reader and one writer at a time, on any threads; disposing ends the waits of both.</remarks>
internal interface ITransport : IDisposable
{
    /// <summary>What <see cref="TryRead"/> returns when nothing is there yet.</summary>
    const int WouldBlock = -1;

    /// <summary>SPIFFE IDs of the peer, in order.</summary>
    IReadOnlyList<SpiffeId> PeerIds { get; }

    /// <summary>Whether the peer's verified chain is known, so that revocation lists can be asked again.</summary>
    bool HasPeerChain { get; }

    /// <summary>Whether nothing has announced that what it travels on will end: only an outer tunnel can do that.</summary>
    bool IsLasting => true;

    /// <summary>Octets that wait for <see cref="FlushAsync"/>.</summary>
    int Unsent { get; }

    /// <summary>Whether these lists revoke a certificate of the peer's verified chain; false once disposed.</summary>
    bool HasPeerRevokedBy(RevocationSet revocations);

    /// <summary>Completes when there may be something to read, or the connection has ended.</summary>
    ValueTask<int> WaitReadableAsync();

    /// <summary>Reads what is there.</summary>
    /// <returns>Octets read; 0 after the peer's orderly end; <see cref="WouldBlock"/> when nothing is there.</returns>
    /// <exception cref="TlsException">The connection broke.</exception>
    int TryRead(Span<byte> buffer);

    /// <summary>Puts octets into the batch that leaves next; they are not kept.</summary>
    /// <exception cref="TlsException">The connection is broken or closed.</exception>
    void Write(ReadOnlySpan<byte> octets);

    /// <summary>Sends the batch.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>Puts the end of our direction into the batch. Reading goes on.</summary>
    void WriteClose();

    /// <summary>Closes our direction and waits until the peer has taken what was sent (<see cref="Farewell"/>).</summary>
    /// <param name="written">Completes when everything has left.</param>
    /// <param name="limit">Of each step.</param>
    Task SayFarewellAsync(Task written, TimeSpan limit);
}
