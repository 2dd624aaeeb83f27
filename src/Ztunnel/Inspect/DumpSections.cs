namespace Ztunnel.Inspect;

/// <summary>Members of a config dump that are kept; all others are read past.</summary>
[Flags]
internal enum DumpSections
{
    /// <summary>Nothing, or a member that nobody asked for.</summary>
    None = 0,

    /// <summary><c>workloads</c>.</summary>
    Workloads = 1,

    /// <summary><c>services</c>.</summary>
    Services = 2,

    /// <summary><c>policies</c>.</summary>
    Policies = 4,

    /// <summary><c>certificates</c>.</summary>
    Certificates = 8,

    /// <summary><c>workloadState</c>: the pods of the node and their connections.</summary>
    Pods = 16,
}
