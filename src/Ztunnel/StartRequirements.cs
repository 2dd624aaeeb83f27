using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Control;
using Ztunnel.Identity;
using Ztunnel.Mesh.Local;

namespace Ztunnel;

/// <summary>What the options ask for that can be missing on this machine.</summary>
internal static class StartRequirements
{
    /// <summary>Limits TLS to the key exchange that is asked for; before the first connection, whoever makes it.</summary>
    /// <exception cref="ConfigurationException">The library cannot.</exception>
    public static void RequireKeyExchange(ProxyOptions options)
    {
        try
        {
            if (options.PostQuantumOnly)
            {
                KeyExchange.RequirePostQuantum();
            }
        }
        catch (TlsException e)
        {
            throw new ConfigurationException("COMPLIANCE_POLICY", $"pqc cannot be kept: {e.Message}", e);
        }
    }

    /// <summary>The CA that signs for this node.</summary>
    /// <exception cref="ConfigurationException">Its address or its trust anchors are of no use.</exception>
    /// <exception cref="IdentityException">The local CA cannot be used.</exception>
    public static async Task<ICertificateAuthority> OpenAuthorityAsync(ProxyOptions options, ILoggerFactory loggers)
    {
        if (options.FakeCa)
        {
            return await LocalCertificateAuthority.OpenAsync(
                options.LocalCaDirectory, options.SecretTtl, TimeProvider.System, CancellationToken.None);
        }

        try
        {
            return new IstioCertificateAuthority(
                options.CaAddress!, options, loggers.CreateLogger<IstioCertificateAuthority>());
        }
        catch (ControlPlaneException e)
        {
            throw new ConfigurationException("CA_ADDRESS", e.Message);
        }
    }

    /// <summary>The mesh that does not come from a control plane; empty when it all does.</summary>
    /// <exception cref="LocalMeshException">It cannot be read.</exception>
    public static LocalMesh ReadMesh(ProxyOptions options) => options switch
    {
        { LocalMeshPath: { } path } => LocalMeshFile.Load(path),
        { LocalMeshText: { } text } => LocalMeshFile.Parse(text, "LOCAL_XDS"),
        _ => LocalMesh.Empty,
    };
}
