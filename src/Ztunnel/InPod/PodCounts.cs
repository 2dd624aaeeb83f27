namespace Ztunnel.InPod;

/// <summary>Numbers of pods.</summary>
/// <param name="Active">Served now.</param>
/// <param name="Pending">Waiting for a retry.</param>
/// <param name="Started">Ever started.</param>
/// <param name="Stopped">Ever stopped.</param>
internal readonly record struct PodCounts(int Active, int Pending, long Started, long Stopped);
