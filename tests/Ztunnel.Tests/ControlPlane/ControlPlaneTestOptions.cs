using Ztunnel.Config;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Options of a proxy for a node, whose control plane is verified with given roots.</summary>
internal static class ControlPlaneTestOptions
{
    /// <param name="roots">As in <c>CA_ROOT_CA</c>: a path or PEM text.</param>
    public static ProxyOptions Trusting(string roots) => new()
    {
        Ca = ControlPlaneOptions.Default with { RootCertificates = RootCertificateSource.Parse(roots) },
    };
}
