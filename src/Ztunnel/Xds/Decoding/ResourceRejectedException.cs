namespace Ztunnel.Xds.Decoding;

/// <summary>One resource cannot be used; the others of its response can. The message is the reason for the NACK.</summary>
internal sealed class ResourceRejectedException(string reason) : Exception(reason);
