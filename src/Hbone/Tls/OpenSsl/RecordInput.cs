namespace Hbone.Tls.OpenSsl;

/// <summary>What follows after the last record.</summary>
internal enum RecordInputEnd
{
    /// <summary>More may come.</summary>
    None,

    /// <summary>The end, as of a socket that was closed.</summary>
    Orderly,

    /// <summary>An error, as of a socket that was reset.</summary>
    Broken,
}

/// <summary>
/// Octets that wait for OpenSSL to read them through <see cref="InputBio"/>. Set by the session's reader between its reads,
/// so no lock guards it.
/// </summary>
internal sealed class RecordInput
{
    /// <summary>Not read yet; lent by whoever set it.</summary>
    public ReadOnlyMemory<byte> Rest { get; set; }

    /// <summary>What follows.</summary>
    public RecordInputEnd End { get; set; }

    /// <summary>Moves as much as there is and fits.</summary>
    public int Read(Span<byte> target)
    {
        var length = Math.Min(target.Length, Rest.Length);
        Rest.Span[..length].CopyTo(target);
        Rest = Rest[length..];
        return length;
    }
}
