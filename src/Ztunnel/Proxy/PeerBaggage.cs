using Hbone.Http2;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Labels that a peer claims for itself, used where the control plane says nothing about it.</summary>
internal static class PeerBaggage
{
    /// <summary>What the request's <c>baggage</c> headers say; null when there are none, or they are unreadable.</summary>
    public static SourceLabelsFallback? FallbackFrom(ConnectRequest request)
    {
        var headers = request.Headers.Where(field => field.Name == "baggage").Select(field => field.Value).ToList();
        return headers.Count == 0 || Baggage.Parse(headers) is not { } baggage
            ? null
            : new SourceLabelsFallback
            {
                ClusterId = baggage.ClusterId ?? "",
                Namespace = baggage.Namespace ?? "",
                WorkloadName = baggage.WorkloadName ?? "",
                CanonicalName = baggage.ServiceName ?? "",
                CanonicalRevision = baggage.ServiceVersion ?? "",
                Region = baggage.Region ?? "",
                Zone = baggage.Zone ?? "",
            };
    }
}
