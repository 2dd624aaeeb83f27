namespace Node.Bench.Peers;

/// <summary>How our proxy passes plain TCP on.</summary>
internal enum Passthrough
{
    /// <summary>Through buffers of the process.</summary>
    Copied,

    /// <summary>By splice(2).</summary>
    Spliced,
}
