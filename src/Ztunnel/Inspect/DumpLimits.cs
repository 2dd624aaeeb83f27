namespace Ztunnel.Inspect;

/// <summary>What a dump may cost its reader.</summary>
/// <param name="Length">Of the dump, in bytes.</param>
/// <param name="PieceLength">
/// Of a workload, service, policy, certificate chain or pod with its connections, or of a string elsewhere, in bytes.
/// </param>
internal sealed record DumpLimits(long Length, int PieceLength)
{
    /// <summary>More than a mesh of a million workloads has: 1 GiB, and 64 MiB in one piece.</summary>
    public static readonly DumpLimits Default = new(1L << 30, 64 << 20);
}
