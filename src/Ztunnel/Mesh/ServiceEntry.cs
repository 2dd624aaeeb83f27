using Ztunnel.Mesh.Maps;

namespace Ztunnel.Mesh;

/// <summary>A service as a snapshot stores it.</summary>
/// <param name="Service">With all its endpoints: those it declares and those that workloads make of themselves.</param>
/// <param name="Declared">The endpoints that the service itself came with; only the local file declares any.</param>
internal sealed record ServiceEntry(Service Service, HashMap<string, ServiceEndpoint> Declared);
