using Redirection;

namespace Ztunnel.InPod;

/// <summary>Gives back what the process has freed and still holds.</summary>
internal static class ProcessMemory
{
    // Compacting stops all threads while it moves what lives, some milliseconds for a small mesh. A large one stays as it is:
    // what is free between its objects is given back in whole pages only.
    private const long MostCompacted = 32 << 20;

    /// <summary>Finds all garbage beside the threads that run; under way when this returns.</summary>
    public static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);

    /// <summary>Returns free memory of managed objects and of native code to the kernel. Blocks for milliseconds.</summary>
    public static void GiveBack()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) <= MostCompacted)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        NativeHeap.TryTrim();
    }
}
