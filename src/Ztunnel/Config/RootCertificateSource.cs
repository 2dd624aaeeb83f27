namespace Ztunnel.Config;

/// <summary>Where the roots come from that a control plane server is verified with.</summary>
/// <param name="Kind">Decides what <paramref name="Value"/> is.</param>
/// <param name="Value">Path, PEM text, or empty for the system's store.</param>
internal sealed record RootCertificateSource(RootCertificateKind Kind, string Value)
{
    private const string PemStart = "-----BEGIN";

    /// <summary>
    /// <c>SYSTEM</c>, PEM text, or a path. The file need not exist yet: it is read for each connection, so one that is
    /// mounted late is found.
    /// </summary>
    public static RootCertificateSource Parse(string text) => text switch
    {
        "SYSTEM" => new(RootCertificateKind.System, ""),
        _ when text.TrimStart().StartsWith(PemStart, StringComparison.Ordinal) => new(RootCertificateKind.Inline, text),
        _ => new(RootCertificateKind.File, text),
    };
}

/// <summary>Forms of a <see cref="RootCertificateSource"/>.</summary>
internal enum RootCertificateKind
{
    /// <summary>A PEM file.</summary>
    File,

    /// <summary>The operating system's trust store.</summary>
    System,

    /// <summary>PEM text in the variable itself.</summary>
    Inline,
}
