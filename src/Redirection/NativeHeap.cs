namespace Redirection;

/// <summary>The heap of native code in this process: OpenSSL's sessions and what the runtime allocates for itself.</summary>
public static class NativeHeap
{
    private const int ArenaMax = -8; // M_ARENA_MAX of malloc.h

    /// <summary>
    /// Limits the heaps that glibc makes for threads (mallopt(3)). Eight for each processor, which is the default, keep
    /// what every one of them once needed. Call before the first thread of our own.
    /// </summary>
    /// <param name="arenas">At least 1.</param>
    /// <returns>False where the C library knows no such limit.</returns>
    public static bool TryLimitArenas(int arenas)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(arenas);
        try
        {
            return NativeMethods.SetHeapOption(ArenaMax, arenas) == 1;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>
    /// Returns free pages to the kernel (malloc_trim(3)). Who allocates meanwhile waits, one heap after the other.
    /// </summary>
    /// <returns>Whether there were any; false also where the C library has no such call.</returns>
    public static bool TryTrim()
    {
        try
        {
            return NativeMethods.TrimHeap(keep: 0) == 1;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }
}
