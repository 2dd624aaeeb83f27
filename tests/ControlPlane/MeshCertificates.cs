using System.Security.Cryptography;
using Grpc.Core;
using Hbone.Tls;
using Ztunnel.Protos.CertificateApi;
using Ztunnel.Tests.ControlPlane;

namespace ControlPlane;

/// <summary>
/// istiod's CA (service <c>IstioCertificateService</c>): signs for the caller's own identity, and for those of the mesh
/// when the caller is the node proxy.
/// </summary>
internal sealed class MeshCertificates(
    SigningAuthority authority, PublishedMesh mesh, Callers callers, TextWriter log)
    : IstioCertificateService.IstioCertificateServiceBase
{
    private const string TrustDomain = "cluster.local";
    private const string ImpersonatedIdentity = "ImpersonatedIdentity";
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(1);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(2);
    private static readonly Caller NodeProxy = new("istio-system", "ztunnel");

    /// <inheritdoc/>
    public override Task<IstioCertificateResponse> CreateCertificate(
        IstioCertificateRequest request, ServerCallContext context)
    {
        var caller = callers.Authenticate(context);
        var identity = request.Metadata?.Fields.GetValueOrDefault(ImpersonatedIdentity)?.StringValue is { } asked
            ? Impersonated(asked, caller)
            : new SpiffeId(TrustDomain, caller.Namespace, caller.ServiceAccount);
        if (request.ValidityDuration <= 0)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "the lifetime is not positive"));
        }

        var seconds = Math.Min(request.ValidityDuration, (long)LongestLifetime.TotalSeconds);
        var now = DateTimeOffset.UtcNow;
        try
        {
            var chain = authority.Sign(request.Csr, identity, now - ClockTolerance, now.AddSeconds(seconds));
            log.WriteLine($"certificate for {identity}");
            return Task.FromResult(new IstioCertificateResponse { CertChain = { chain } });
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"CSR: {e.Message}"));
        }
    }

    private SpiffeId Impersonated(string text, Caller caller) =>
        caller == NodeProxy && SpiffeId.TryParse(text, out var identity)
            && mesh.Current.Resources.Identities.Contains(identity)
                ? identity
                : throw new RpcException(new Status(
                    StatusCode.Unauthenticated, $"{caller.Namespace}/{caller.ServiceAccount} may not be {text}"));
}
