namespace Ztunnel.Config;

/// <summary>What happens to connections to a workload that names a policy nobody has announced.</summary>
internal enum UnknownPolicyAction
{
    /// <summary>They are judged by the other policies.</summary>
    Skip,

    /// <summary>They are refused.</summary>
    Deny,
}
