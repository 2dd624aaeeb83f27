using Google.Protobuf;

namespace Ztunnel.Xds.Decoding;

/// <summary>One resource cannot be used; the others of its response can. The message is the reason for the NACK.</summary>
internal sealed class ResourceRejectedException(string reason) : Exception(reason)
{
    /// <summary>
    /// Whether an exception of decoding says that the resource is bad: this one, or one of the parser, which throws
    /// <see cref="InvalidOperationException"/> for a wrapped number (<c>google.protobuf.UInt32Value</c>) with a tag of 0.
    /// </summary>
    public static bool Covers(Exception exception) => exception is
        ResourceRejectedException or FormatException or InvalidProtocolBufferException or InvalidOperationException;
}
