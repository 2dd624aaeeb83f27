namespace Ztunnel.Proxy;

/// <summary>Who waits for the moment from which on bytes are carried. Before it, another endpoint may still be tried.</summary>
internal interface IEstablished
{
    /// <summary>
    /// The connection or tunnel to the destination is there; called once at most, before the first byte is copied. Never
    /// throws: when the client cannot be told, who copies from it finds out.
    /// </summary>
    ValueTask EstablishedAsync();
}
