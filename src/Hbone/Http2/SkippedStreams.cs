namespace Hbone.Http2;

/// <summary>
/// Identifiers that the client passed over when it opened a stream above them: they are closed without ever having been
/// open, and a request on one of them is a connection error (RFC 9113 section 5.1.1). Guarded by the connection's gate.
/// </summary>
internal sealed class SkippedStreams
{
    // No client has a reason to skip; one that does it often is not owed the memory, and its oldest gaps are forgotten.
    private const int MaxGaps = 32;

    private List<(int Before, int After)>? _gaps;

    /// <summary>A stream was opened; what lies between it and the one opened before is skipped.</summary>
    public void OnOpened(int before, int streamId)
    {
        if (streamId <= before + 2)
        {
            return;
        }

        _gaps ??= [];
        if (_gaps.Count == MaxGaps)
        {
            _gaps.RemoveAt(0);
        }

        _gaps.Add((before, streamId));
    }

    /// <summary>Whether a stream below the last one was skipped, as far as it is remembered.</summary>
    public bool Contains(int streamId) =>
        _gaps is not null && _gaps.Exists(gap => gap.Before < streamId && streamId < gap.After);
}
