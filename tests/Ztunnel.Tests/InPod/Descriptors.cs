namespace Ztunnel.Tests.InPod;

/// <summary>Descriptors of this process that are network namespaces, which nothing else in these tests opens.</summary>
internal static class Descriptors
{
    /// <summary>How many descriptors mean the namespace.</summary>
    public static int Of(TestNetns netns)
    {
        var name = $"net:[{netns.Netns.Identity.Inode}]";
        return Targets().Count(target => target == name);
    }

    /// <summary>How many descriptors mean the file, pipe or namespace with this link text.</summary>
    public static int Of(string target) => Targets().Count(other => other == target);

    private static IEnumerable<string> Targets()
    {
        foreach (var path in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            string? target;
            try
            {
                target = File.ResolveLinkTarget(path, returnFinalTarget: false)?.Name;
            }
            catch (IOException)
            {
                continue; // closed meanwhile
            }

            if (target is not null)
            {
                yield return target;
            }
        }
    }
}
