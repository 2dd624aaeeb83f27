using System.Security.Cryptography.X509Certificates;
using Ztunnel.Config;

namespace Ztunnel.Control;

/// <summary>
/// The roots that a control plane server is verified with. A file is read for each connection: one that is mounted late
/// or replaced counts from the next connection on.
/// </summary>
internal sealed class ControlPlaneRoots(RootCertificateSource source)
{
    // Text that was read last; any thread.
    private volatile string? _seen;

    /// <summary>The roots of this moment; null stands for the system's trust store.</summary>
    /// <exception cref="ControlPlaneException">The file cannot be read, or there is no certificate in it.</exception>
    public X509Certificate2Collection? Read()
    {
        if (source.Kind == RootCertificateKind.System)
        {
            return null;
        }

        var text = source.Kind == RootCertificateKind.File ? ReadFile(source.Value) : source.Value;
        var roots = Parse(text);
        _seen = text;
        return roots;
    }

    /// <summary>
    /// Whether the file holds other roots than were last read or told of; asking again gives false. A file that is
    /// missing or damaged at the moment is no change: connections that were verified before are still the best there is.
    /// </summary>
    public bool TakeChange()
    {
        if (source.Kind != RootCertificateKind.File || _seen is not { } seen)
        {
            return false;
        }

        try
        {
            var text = ReadFile(source.Value);
            if (text == seen)
            {
                return false;
            }

            Parse(text);
            _seen = text;
            return true;
        }
        catch (ControlPlaneException)
        {
            return false;
        }
    }

    private static string ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlPlaneException($"root certificates: {e.Message}", e);
        }
    }

    private X509Certificate2Collection Parse(string text)
    {
        var place = source.Kind == RootCertificateKind.File ? source.Value : "in the environment";
        try
        {
            var roots = PemCertificates.ReadAll(text, out var skipped);
            return roots.Count > 0
                ? roots
                : throw new ControlPlaneException(
                    $"root certificates {place}: no certificate in it, {skipped} that do not decode");
        }
        catch (FormatException e)
        {
            throw new ControlPlaneException($"root certificates {place}: {e.Message}", e);
        }
    }
}
