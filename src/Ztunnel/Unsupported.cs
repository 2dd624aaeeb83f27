using Ztunnel.Config;

namespace Ztunnel;

/// <summary>Refuses to start with what this version cannot do, instead of doing half of it.</summary>
internal static class Unsupported
{
    /// <exception cref="ConfigurationException">Names the variable, and what to set instead.</exception>
    public static void ThrowIfAskedFor(ProxyOptions options)
    {
        if (options.PostQuantumOnly)
        {
            throw new ConfigurationException("COMPLIANCE_POLICY", "pqc is not supported by this version");
        }
    }
}
