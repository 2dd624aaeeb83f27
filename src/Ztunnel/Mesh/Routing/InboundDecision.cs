using System.Diagnostics.CodeAnalysis;

namespace Ztunnel.Mesh.Routing;

/// <summary>What becomes of a request on port 15008: exactly one of the two is set.</summary>
internal readonly record struct InboundDecision
{
    private InboundDecision(InboundRoute? route, InboundRefusal? refusal) => (Route, Refusal) = (route, refusal);

    public InboundRoute? Route { get; }

    public InboundRefusal? Refusal { get; }

    [MemberNotNullWhen(true, nameof(Route))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsAccepted => Route is not null;

    public static implicit operator InboundDecision(InboundRoute route) => new(route, null);

    public static implicit operator InboundDecision(InboundRefusal refusal) => new(null, refusal);
}
