using Hbone.Tls.OpenSsl;

namespace Hbone.Tls;

/// <summary>Certificate revocation lists (RFC 5280 section 5) that hold together. Immutable.</summary>
public sealed class RevocationSet
{
    private readonly RevocationList[] _lists;

    private RevocationSet(RevocationList[] lists) => _lists = lists;

    /// <summary>Nothing is revoked.</summary>
    public static RevocationSet Empty { get; } = new([]);

    /// <summary>Lists in it.</summary>
    public int Count => _lists.Length;

    internal ReadOnlySpan<RevocationList> Lists => _lists;

    /// <summary>Reads a file: PEM with any number of lists among other blocks, or one list in DER; or nothing.</summary>
    /// <remarks>Signatures are looked at later, when it is known whose they have to be.</remarks>
    /// <exception cref="FormatException">A part of it cannot be read; the rest is then not used either.</exception>
    public static RevocationSet Parse(ReadOnlySpan<byte> file)
    {
        var lists = new List<RevocationList>();
        foreach (var der in RevocationFileFormat.Split(file))
        {
            lists.Add(new RevocationList(der));
        }

        return lists.Count == 0 ? Empty : new RevocationSet([.. lists]);
    }

    /// <summary>The lists of this set that the other does not have.</summary>
    public RevocationSet Without(RevocationSet other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new RevocationSet([.. _lists.Where(list => !other._lists.Any(list.IsSameAs))]);
    }
}
