using Hbone.Http2;
using Hbone.Http2.Hpack;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Labels that a peer claims for itself, used where the control plane says nothing about it.</summary>
internal static class PeerBaggage
{
    /// <summary>What a client's <c>baggage</c> headers say; null when there are none, or they are unreadable.</summary>
    public static ClaimedLabels? FallbackFrom(ConnectRequest request) => FallbackFrom(request.Headers);

    /// <summary>What a server's <c>baggage</c> headers say; null when there are none, or they are unreadable.</summary>
    public static ClaimedLabels? FallbackFrom(ConnectAnswer answer) => FallbackFrom(answer.Headers);

    private static ClaimedLabels? FallbackFrom(IEnumerable<HeaderField> headers)
    {
        var values = headers.Where(field => field.Name == "baggage").Select(field => field.Value).ToList();
        return values.Count == 0 || Baggage.Parse(values) is not { } baggage
            ? null
            : new ClaimedLabels
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
