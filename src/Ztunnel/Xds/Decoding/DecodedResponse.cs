namespace Ztunnel.Xds.Decoding;

/// <summary>A response of the control plane (proto message <c>DeltaDiscoveryResponse</c>), resources converted.</summary>
/// <param name="TypeUrl">What it is about; may be a type that nobody knows.</param>
/// <param name="Nonce">To be echoed.</param>
/// <param name="Resources">In the order in which they came, rejected ones included.</param>
/// <param name="Removed">Names.</param>
/// <param name="PayloadBytes">Size of the resources alone.</param>
internal sealed record DecodedResponse(
    string TypeUrl,
    string Nonce,
    List<DecodedResource> Resources,
    List<string> Removed,
    long PayloadBytes)
{
    /// <summary>Stands for a piece of a response that others follow.</summary>
    public static DecodedResponse Incomplete { get; } = new("", "", [], [], 0);

    /// <summary>It has been applied: whoever still holds it holds no resources.</summary>
    public void Forget()
    {
        Resources.Clear();
        Removed.Clear();
        Resources.TrimExcess();
        Removed.TrimExcess();
    }
}
