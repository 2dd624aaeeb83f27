namespace Hbone.Conformance.Peers;

/// <summary>A program that is a peer or runs one.</summary>
/// <param name="Path">Its file, or its name if it is looked for on the PATH.</param>
/// <param name="Package">What brings it, for whoever misses it.</param>
internal sealed record PeerProgram(string Path, string Package)
{
    public static PeerProgram Node { get; } = new("node", "Node.js 18 or later (Debian: nodejs)");

    /// <summary>Debian's own interpreter: only it finds the packages of Debian.</summary>
    public static PeerProgram Python { get; } = new("/usr/bin/python3", "the Debian packages python3 and python3-h2");

    public static PeerProgram Nghttp { get; } = new("/usr/bin/nghttp", "the Debian package nghttp2-client");

    public static PeerProgram H2Load { get; } = new("/usr/bin/h2load", "the Debian package nghttp2-client");

    public static PeerProgram Nghttpx { get; } = new("/usr/sbin/nghttpx", "the Debian package nghttp2-proxy");
}
