namespace Ztunnel.Config;

/// <summary>Whose traffic the process carries.</summary>
internal enum ProxyMode
{
    /// <summary>That of every enrolled pod of the node, from inside their network namespaces.</summary>
    Shared,

    /// <summary>That of one workload, from the process's own network namespace.</summary>
    Dedicated,
}
