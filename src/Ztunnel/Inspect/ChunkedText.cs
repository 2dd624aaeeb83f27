using System.Text;

namespace Ztunnel.Inspect;

/// <summary>Collects text and writes it in chunks, because standard output makes a system call of each write.</summary>
/// <param name="output">Stays the caller's.</param>
internal sealed class ChunkedText(TextWriter output)
{
    private const int ChunkLength = 32 << 10; // characters

    /// <summary>What is not written yet.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Writes if it is worth it.</summary>
    public Task OfferAsync(CancellationToken cancellationToken) =>
        Text.Length < ChunkLength ? Task.CompletedTask : FlushAsync(cancellationToken);

    /// <summary>Writes what is left.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await output.WriteAsync(Text, cancellationToken);
        Text.Clear();
        await output.FlushAsync(cancellationToken);
    }
}
