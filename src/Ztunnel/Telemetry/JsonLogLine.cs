using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ztunnel.Telemetry;

/// <summary>
/// <c>{"level":…,"time":…,"scope":…,"message":…,fields}</c> and a line feed. Numbers are JSON numbers, everything else
/// is a string.
/// </summary>
internal sealed class JsonLogLine : LogLine
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // never embedded in HTML
        SkipValidation = true,
    };

    private Utf8JsonWriter? _json;

    /// <inheritdoc/>
    public override LogFormat Format => LogFormat.Json;

    private Utf8JsonWriter Json => _json!;

    /// <inheritdoc/>
    public override void AddText(string key, string value) => Json.WriteString(key, value);

    /// <inheritdoc/>
    public override void AddBare(string key, string value) => Json.WriteString(key, value);

    /// <inheritdoc/>
    public override void AddNumber(string key, long value) => Json.WriteNumber(key, value);

    /// <inheritdoc/>
    public override void AddNumber(string key, double value)
    {
        if (double.IsFinite(value))
        {
            Json.WriteNumber(key, value);
        }
        else
        {
            Json.WriteString(key, ToText(value));
        }
    }

    /// <inheritdoc/>
    public override void End()
    {
        Json.WriteEndObject();
        Json.Flush();
        Buffer.Write("\n"u8);
    }

    /// <inheritdoc/>
    protected override void WriteHead(DateTimeOffset time, string level, LogTarget target, string message)
    {
        _json ??= new Utf8JsonWriter(Buffer, Options);
        _json.Reset(Buffer);
        _json.WriteStartObject();
        _json.WriteString("level"u8, level);
        Span<byte> text = stackalloc byte[32];
        _json.WriteString("time"u8, text[..FormatTime(time, text)]);
        _json.WriteString("scope"u8, target.Scope);
        _json.WriteString("message"u8, message);
    }
}
