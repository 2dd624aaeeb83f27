namespace Ztunnel.Xds;

/// <summary>
/// Names and versions of one type that were accepted and, in on-demand mode, names that were asked for. It has to be
/// complete: on the next stream the control plane names as removed what is claimed and does not exist any more.
/// </summary>
internal sealed class HeldResources
{
    // Demands are noted by another task than the one that applies responses.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _versions = new(StringComparer.Ordinal);

    /// <summary>A copy of this moment.</summary>
    public KeyValuePair<string, string>[] ToArray()
    {
        lock (_lock)
        {
            return [.. _versions];
        }
    }

    /// <summary>A resource was accepted.</summary>
    public void Set(string name, string version)
    {
        lock (_lock)
        {
            _versions[name] = version;
        }
    }

    /// <summary>A name was asked for; a version that is known stays.</summary>
    public void Ask(string name)
    {
        lock (_lock)
        {
            _versions.TryAdd(name, "");
        }
    }

    public void Remove(string name)
    {
        lock (_lock)
        {
            _versions.Remove(name);
        }
    }

    /// <summary>The names that are not among <paramref name="names"/>.</summary>
    public List<string> Except(HashSet<string> names)
    {
        lock (_lock)
        {
            return [.. _versions.Keys.Where(name => !names.Contains(name))];
        }
    }
}
