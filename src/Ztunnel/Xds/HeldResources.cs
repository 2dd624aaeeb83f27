using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Ztunnel.Xds;

/// <summary>
/// Names and versions of one type that were accepted and, in on-demand mode, names that were asked for. It has to be
/// complete: on the next stream the control plane names as removed what is claimed and does not exist any more.
/// </summary>
internal sealed class HeldResources
{
    private const int MaxStackName = 512;

    // Demands are noted by another task than the one that applies responses.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Held> _held = new(StringComparer.Ordinal);
    private int _mark;

    /// <summary>A copy of this moment.</summary>
    public KeyValuePair<string, string>[] ToArray()
    {
        lock (_lock)
        {
            return [.. _held.Select(held => KeyValuePair.Create(held.Key, held.Value.Version.ToString()))];
        }
    }

    /// <summary>Bytes that claiming them takes: in a map of a protobuf message, an entry for each.</summary>
    public long ClaimBytes
    {
        get
        {
            // Tag and length of the entry, then of both texts; the lengths need two bytes from 128 on.
            const int OverheadBytes = 6;
            lock (_lock)
            {
                var bytes = 0L;
                foreach (var (name, held) in _held)
                {
                    bytes += Encoding.UTF8.GetByteCount(name) + held.Version.Length + OverheadBytes;
                }

                return bytes;
            }
        }
    }

    /// <summary>The name and version that are held under a name in UTF-8, without making a text of it.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out string held, out ResourceVersion version)
    {
        (held, version) = ("", ResourceVersion.None);
        if (name.Length > MaxStackName)
        {
            return false; // the caller makes a text of its own
        }

        Span<char> text = stackalloc char[MaxStackName];
        if (!Encoding.UTF8.TryGetChars(name, text, out var length))
        {
            return false;
        }

        lock (_lock)
        {
            if (!_held.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[..length], out var key, out var value))
            {
                return false;
            }

            (held, version) = (key, value.Version);
            return true;
        }
    }

    /// <summary>A resource was accepted.</summary>
    public void Set(string name, ResourceVersion version)
    {
        lock (_lock)
        {
            _held[name] = new Held(version, _mark);
        }
    }

    /// <summary>A name was asked for; a version that is known stays.</summary>
    public void Ask(string name)
    {
        lock (_lock)
        {
            _held.TryAdd(name, new Held(ResourceVersion.None, _mark));
        }
    }

    public void Remove(string name)
    {
        lock (_lock)
        {
            _held.Remove(name);
        }
    }

    /// <summary>The names that are held and not among these.</summary>
    public List<string> Except(IEnumerable<string> names)
    {
        lock (_lock)
        {
            _mark++;
            foreach (var name in names)
            {
                ref var held = ref CollectionsMarshal.GetValueRefOrNullRef(_held, name);
                if (!Unsafe.IsNullRef(ref held))
                {
                    held = held with { Mark = _mark };
                }
            }

            return [.. _held.Where(held => held.Value.Mark != _mark).Select(held => held.Key)];
        }
    }

    /// <param name="Version">As accepted.</param>
    /// <param name="Mark">Of the last comparison that found the name, or of the moment when it came.</param>
    private readonly record struct Held(ResourceVersion Version, int Mark);
}
