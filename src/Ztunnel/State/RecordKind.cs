namespace Ztunnel.State;

/// <summary>What a record of a snapshot holds; the numbers are those of the file.</summary>
internal enum RecordKind : byte
{
    /// <summary>Proto message <c>ztunnel.state.SnapshotInfo</c>; first, once.</summary>
    Info = 1,

    /// <summary>Proto message <c>istio.security.Authorization</c>.</summary>
    Authorization = 2,

    /// <summary>Proto message <c>istio.workload.Address</c>.</summary>
    Address = 3,
}
