namespace Ztunnel.Admin.Profiling;

/// <summary>
/// The heap profile of <c>/debug/pprof/heap</c>: what memory is in use, by kind. Who made an object nobody records.
/// </summary>
internal static class HeapProfile
{
    private const string Root = "ztunnel";

    /// <summary>The profile of a reading.</summary>
    public static byte[] Write(DateTimeOffset time, MemoryUse use)
    {
        // Two kinds of value, because buffers are part of the heap and must not count twice.
        var profile = new ProfileBuilder(time, ("inuse_space", "bytes"), ("buffered", "bytes"));
        profile.Comment("memory by kind; the parts of the managed heap are those after the last garbage collection");
        foreach (var (name, bytes) in use.Heap)
        {
            profile.Add([bytes, 0], [], Root, "managed heap", name);
        }

        profile.Add([use.HeapFree, 0], [], Root, "managed heap", "new since the last collection, and free");
        profile.Add([use.Native, 0], [], Root, "native memory", "OpenSSL, stacks, runtime");
        profile.Add([use.Files, 0], [], Root, "native memory", "program and libraries");
        profile.Add([0, use.Buffered], [], Root, "managed heap", "payload in buffers of connections");
        return profile.ToArray();
    }
}
