namespace Node.Tests.Networks;

/// <summary>A service of the far network as the near one knows it: nothing but its name, its identities and a gateway.</summary>
/// <param name="Number">Which virtual address it has.</param>
/// <param name="Name">Of the service, in namespace shop.</param>
/// <param name="Identities">Whom a server's certificate may name.</param>
internal sealed record FarService(int Number, string Name, params string[] Identities)
{
    public const int Port = 80;

    public string Hostname => $"{Name}.shop.svc.cluster.local";

    /// <summary>What both CONNECTs ask for.</summary>
    public string Authority => FormattableString.Invariant($"{Hostname}:{Port}");

    /// <summary>The gateway's reference, <c>network/ip</c> or <c>namespace/hostname</c>; null is by hostname.</summary>
    public string? Gateway { get; init; }
}
