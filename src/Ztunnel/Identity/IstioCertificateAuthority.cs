using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Control;
using Ztunnel.Protos.CertificateApi;

namespace Ztunnel.Identity;

/// <summary>
/// istiod's CA (service <c>istio.v1.auth.IstioCertificateService</c>). A proxy for a whole node asks in the name of its
/// pods' identities, which the CA allows for those that run there.
/// </summary>
internal sealed class IstioCertificateAuthority : ICertificateAuthority
{
    /// <summary>The one key of the request's metadata.</summary>
    private const string ImpersonatedIdentity = "ImpersonatedIdentity";

    /// <summary>So much of an error text of the server is kept: it is logged, dumped and shown to each caller.</summary>
    private const int MaxErrorLength = 512;

    private readonly ControlPlaneChannel _channel;
    private readonly ControlPlaneHeaders _headers;
    private readonly long _validitySeconds;
    private readonly bool _impersonates;
    private readonly ILogger<IstioCertificateAuthority> _logger;

    /// <param name="address">Of the CA.</param>
    /// <param name="options">How it is verified, what is sent, what is asked for.</param>
    /// <param name="logger">For answers that are odd and usable.</param>
    /// <exception cref="ControlPlaneException">The address cannot be used.</exception>
    public IstioCertificateAuthority(Uri address, ProxyOptions options, ILogger<IstioCertificateAuthority> logger)
    {
        _channel = new ControlPlaneChannel(address, options.Ca, options);
        _headers = new ControlPlaneHeaders(options.AuthToken, options.ClusterId, options.Ca.Headers);
        _validitySeconds = Math.Max(1, (long)options.SecretTtl.TotalSeconds);
        _impersonates = options.Mode == ProxyMode.Shared;
        _logger = logger;
    }

    /// <inheritdoc/>
    public async Task<WorkloadCertificate> IssueAsync(SpiffeId identity, CancellationToken cancellationToken)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = RequestFor(key, identity);
        var response = await CallAsync(request, cancellationToken);
        var certificate = IssuedChain.Read(response.CertChain, key, identity, _impersonates, out var skippedRoots);
        if (skippedRoots > 0)
        {
            _logger.RootsSkipped(identity, skippedRoots);
        }

        return certificate;
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private IstioCertificateRequest RequestFor(ECDsa key, SpiffeId identity)
    {
        var request = new IstioCertificateRequest
        {
            Csr = CertificateSigningRequest.ToPem(key, identity),
            ValidityDuration = _validitySeconds,
        };
        if (_impersonates)
        {
            request.Metadata = new Struct
            {
                Fields = { [ImpersonatedIdentity] = Value.ForString(identity.ToString()) },
            };
        }

        return request;
    }

    private async Task<IstioCertificateResponse> CallAsync(
        IstioCertificateRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var headers = new Metadata();
            foreach (var (name, value) in await _headers.ReadAsync(cancellationToken))
            {
                headers.Add(name, value);
            }

            return await _channel.UseAsync(invoker =>
                new IstioCertificateService.IstioCertificateServiceClient(invoker)
                    .CreateCertificateAsync(request, headers, deadline: null, cancellationToken)
                    .ResponseAsync);
        }
        catch (RpcException e)
        {
            throw new IdentityException($"signing gRPC error ({e.StatusCode}): {Shortened(e.Status.Detail)}", e);
        }
        catch (ControlPlaneException e)
        {
            throw new IdentityException(e.Message, e);
        }
    }

    private static string Shortened(string text) =>
        text.Length > MaxErrorLength ? $"{text.AsSpan(0, MaxErrorLength)}..." : text;
}
