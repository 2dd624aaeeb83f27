using System.Net;

namespace Ztunnel.Mesh.Routing;

/// <summary>Why a request on port 15008 is refused before policy is asked.</summary>
/// <param name="StatusCode">Of the answer.</param>
/// <param name="Error">For the access log, word for word.</param>
internal sealed record InboundRefusal(int StatusCode, string Error)
{
    private const int BadRequest = 400;
    private const int ServiceUnavailable = 503;

    public static InboundRefusal NotConnect(string method) =>
        new(BadRequest, $"expected method CONNECT, got {method}");

    public static InboundRefusal NoAuthority(string text) =>
        new(BadRequest, $"no valid authority pseudo header: {text}");

    public static InboundRefusal UnknownLocalWorkload(WorkloadInfo pod) =>
        new(ServiceUnavailable, $"failed to fetch information about local workload: {pod}");

    public static InboundRefusal AddressMismatch(IPAddress local, IPAddress authority) =>
        new(BadRequest, $"ip mismatch: {local} != {authority}");

    public static InboundRefusal UnknownHostname(string hostname) =>
        new(ServiceUnavailable, $"no service or workload for hostname: {hostname}");

    public static InboundRefusal NoTargetPort(HboneAuthority authority) =>
        new(ServiceUnavailable, $"requested service {authority} found, but cannot resolve port");

    public static InboundRefusal NoServiceAddress(string hostname) =>
        new(ServiceUnavailable, $"requested service {hostname} found, but has no IP addresses");

    public static InboundRefusal Recursive() => new(ServiceUnavailable, "attempted recursive call to ourselves");
}
