namespace Hbone.Tls.OpenSsl;

/// <summary>What the records of a TLS session travel on: a socket, or a stream of an outer tunnel.</summary>
/// <remarks>One reader and one writer at a time, on any threads; disposing ends the waits of both.</remarks>
internal interface IRecordCarrier : IDisposable
{
    /// <summary>Octets at the start of a batch that <see cref="SendAsync"/> may overwrite.</summary>
    int HeadRoom { get; }

    /// <summary>Whether nothing has announced that it will end: a connection on it may take further requests.</summary>
    bool IsLasting { get; }

    /// <summary>Why reading failed, after the session's BIO has told of an error.</summary>
    TlsException ReadFailure { get; }

    /// <summary>The BIO that a session reads its records from; the session frees it, before this is disposed.</summary>
    nint CreateInput();

    /// <summary>
    /// When the session found nothing more in its BIO: whether there is something now. Called by the reader, outside the
    /// session's lock.
    /// </summary>
    bool TryRefill();

    /// <summary>Completes when there may be something to read, or the carrier has ended. Holds no buffer meanwhile.</summary>
    ValueTask<int> WaitReadableAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends a batch whole.</summary>
    /// <param name="batch">Lent until the task completes.</param>
    /// <param name="length">Octets after the head room.</param>
    /// <param name="cancellationToken">Gives up; the carrier is of no use any more.</param>
    ValueTask<int> SendAsync(byte[] batch, int length, CancellationToken cancellationToken);

    /// <inheritdoc cref="Http2.ITransport.SayFarewellAsync"/>
    Task SayFarewellAsync(Task written, TimeSpan limit);
}
