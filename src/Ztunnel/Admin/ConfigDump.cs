using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ztunnel.Admin;

/// <summary>What <c>istioctl ztunnel-config</c> and Kiali read: one JSON object, its members sorted.</summary>
/// <param name="sections">Its members, asked for once per dump: those that must agree come from one snapshot.</param>
internal sealed class ConfigDump(Func<IEnumerable<ConfigDumpSection>> sections)
{
    private const int PieceSize = 64 * 1024;
    private const int InitialSize = 4 * 1024;

    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // never embedded in HTML
    };

    /// <summary>
    /// Writes the dump of this moment. It goes out in pieces, and nothing before the first is whole, so that a section
    /// that fails early still leaves room for an error answer.
    /// </summary>
    public async Task WriteAsync(Stream output, CancellationToken cancellationToken)
    {
        var piece = new ArrayBufferWriter<byte>(InitialSize);
        using var json = new Utf8JsonWriter(piece, Options);
        json.WriteStartObject();
        foreach (var section in sections().OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            json.WritePropertyName(section.Key);
            foreach (var write in section.Steps)
            {
                write(json);
                if (json.BytesPending + piece.WrittenCount >= PieceSize)
                {
                    json.Flush();
                    await output.WriteAsync(piece.WrittenMemory, cancellationToken);
                    piece.ResetWrittenCount();
                }
            }
        }

        json.WriteEndObject();
        json.Flush();
        await output.WriteAsync(piece.WrittenMemory, cancellationToken);
    }
}
