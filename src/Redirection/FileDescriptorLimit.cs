namespace Redirection;

/// <summary>How many descriptors this process may have open: <c>RLIMIT_NOFILE</c> (getrlimit(2)).</summary>
public static class FileDescriptorLimit
{
    private const int NumberOfFiles = 7; // RLIMIT_NOFILE of x86-64 and arm64

    /// <summary>Raises the soft limit to the hard limit, which every process may.</summary>
    /// <returns>The soft limit as it was and as it is now.</returns>
    /// <exception cref="IOException">The system refused.</exception>
    public static (ulong Before, ulong After) RaiseSoftToHard()
    {
        var limit = Read();
        if (limit.Soft < limit.Hard)
        {
            Write(limit with { Soft = limit.Hard });
        }

        return (limit.Soft, limit.Hard);
    }

    internal static NativeMethods.ResourceLimit Read() =>
        NativeMethods.GetResourceLimit(NumberOfFiles, out var limit) == 0
            ? limit
            : throw OsError.Last.ToException("cannot read RLIMIT_NOFILE");

    internal static void Write(NativeMethods.ResourceLimit limit)
    {
        if (NativeMethods.SetResourceLimit(NumberOfFiles, limit) != 0)
        {
            throw OsError.Last.ToException($"cannot set RLIMIT_NOFILE to {limit.Soft}");
        }
    }
}
