using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Ztunnel.Inspect;

/// <summary>
/// Writes a list as YAML in the layout of Go's tools: each record as the JSON it would be, its names sorted. Only one
/// record at a time is taken apart.
/// </summary>
internal sealed class YamlList
{
    private readonly StringBuilder _record = new();
    private readonly Emitter _emitter;

    /// <summary>Begins a list.</summary>
    /// <param name="text">Where it goes.</param>
    public YamlList(StringBuilder text)
    {
        _emitter = new Emitter(new StringWriter(text) { NewLine = "\n" }, EmitterSettings.Default.WithBestWidth(int.MaxValue));
        _emitter.Emit(new StreamStart());
        _emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        _emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, SequenceStyle.Block));
    }

    /// <summary>Writes one record.</summary>
    public void Add(IDumpRecord record)
    {
        _record.Clear();
        record.WriteTo(new GoJsonWriter(_record));
        using var json = JsonDocument.Parse(_record.ToString());
        Emit(json.RootElement);
    }

    /// <summary>Ends the list.</summary>
    public void End()
    {
        _emitter.Emit(new SequenceEnd());
        _emitter.Emit(new DocumentEnd(isImplicit: true));
        _emitter.Emit(new StreamEnd());
    }

    private void Emit(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                _emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, isImplicit: true, MappingStyle.Block));
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    EmitText(member.Name);
                    Emit(member.Value);
                }

                _emitter.Emit(new MappingEnd());
                break;
            case JsonValueKind.Array:
                _emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, SequenceStyle.Block));
                foreach (var item in value.EnumerateArray())
                {
                    Emit(item);
                }

                _emitter.Emit(new SequenceEnd());
                break;
            case JsonValueKind.String:
                EmitText(value.GetString()!);
                break;
            default:
                EmitScalar(value.GetRawText(), ScalarStyle.Plain);
                break;
        }
    }

    private void EmitText(string text) => EmitScalar(text, YamlStyle.Of(text));

    private void EmitScalar(string text, ScalarStyle style) => _emitter.Emit(new Scalar(
        AnchorName.Empty, TagName.Empty, text, style, isPlainImplicit: true, isQuotedImplicit: true));
}
