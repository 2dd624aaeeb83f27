using Ztunnel.Mesh;

namespace Ztunnel.State;

/// <summary>What a snapshot held, all of it.</summary>
/// <param name="Mesh">The mesh that it was added to, with it.</param>
/// <param name="Addresses">Resource names of its workloads and services.</param>
/// <param name="Policies">Resource names of its policies.</param>
/// <param name="ConfirmedAt">When the control plane last stood behind it.</param>
/// <param name="Age">How long ago that was when it was loaded; never negative.</param>
internal sealed record LoadedSnapshot(
    MeshSnapshot Mesh,
    IReadOnlyList<string> Addresses,
    IReadOnlyList<string> Policies,
    DateTimeOffset ConfirmedAt,
    TimeSpan Age);
