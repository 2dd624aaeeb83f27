namespace Ztunnel.Identity;

/// <summary>How urgent a call to the CA is; a higher value goes first.</summary>
internal enum CallPriority
{
    /// <summary>A renewal, or another try after a failure.</summary>
    Background,

    /// <summary>A pod of this node will want it.</summary>
    Warmup,

    /// <summary>A connection is waiting.</summary>
    RealTime,
}
