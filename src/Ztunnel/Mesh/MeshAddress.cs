namespace Ztunnel.Mesh;

/// <summary>
/// What an address or a hostname stands for (proto message <c>istio.workload.Address</c>): at most one is set.
/// </summary>
internal readonly record struct MeshAddress(Workload? Workload, Service? Service);
