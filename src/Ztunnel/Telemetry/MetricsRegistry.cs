using System.Buffers;

namespace Ztunnel.Telemetry;

/// <summary>All metric families of the process, in the order in which they are printed. Filled at start.</summary>
internal sealed class MetricsRegistry
{
    /// <summary>
    /// A scrape is sent in pieces of about this size, so that its memory does not grow with the series.
    /// </summary>
    private const int PieceSize = 64 * 1024;

    private const int InitialSize = 4 * 1024;

    private readonly Lock _lock = new();
    private MetricFamily[] _families = [];

    /// <summary>Adds families.</summary>
    public void Add(params ReadOnlySpan<MetricFamily> families)
    {
        lock (_lock)
        {
            Volatile.Write(ref _families, [.. _families, .. families]);
        }
    }

    /// <summary>Writes the OpenMetrics text of this moment, in pieces.</summary>
    public async Task WriteAsync(Stream output, CancellationToken cancellationToken)
    {
        var piece = new ArrayBufferWriter<byte>(InitialSize);
        var text = new MetricsText(piece);
        foreach (var family in Volatile.Read(ref _families))
        {
            text.BeginFamily(family);
            foreach (var sample in family.Samples())
            {
                text.Sample(sample);
                if (piece.WrittenCount >= PieceSize)
                {
                    await output.WriteAsync(piece.WrittenMemory, cancellationToken);
                    piece.ResetWrittenCount();

                    // A caller who takes everything at once, or has gone, must not keep a thread from the others.
                    await Task.Yield();
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }
        }

        text.End();
        await output.WriteAsync(piece.WrittenMemory, cancellationToken);
    }
}
