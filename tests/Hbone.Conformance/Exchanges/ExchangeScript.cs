using Hbone.Conformance.Peers;

namespace Hbone.Conformance.Exchanges;

/// <summary>A script that plays one side of a plan, each in the same way.</summary>
/// <param name="Program">What runs it.</param>
/// <param name="Arguments">Of the program.</param>
/// <param name="File">Its name.</param>
internal sealed record ExchangeScript(PeerProgram Program, string[] Arguments, string File)
{
    /// <summary>By the Python package h2.</summary>
    public static ExchangeScript H2 { get; } = new(PeerProgram.Python, ["-B"], "h2_peer.py");

    /// <summary>By Node's own HTTP/2 stack.</summary>
    public static ExchangeScript Node { get; } = new(PeerProgram.Node, [], "exchange-peer.mjs");
}
