namespace Mesh.Scale;

/// <summary>How large the mesh is. Workloads are spread evenly over services, ten services share a namespace.</summary>
internal readonly record struct MeshSize(int Workloads, int Services, int Policies);
