using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ztunnel.Telemetry;

/// <summary>
/// Writes OpenMetrics text (version 1.0.0) the way Istio's proxies do: families are named without <c>_total</c> in HELP
/// and TYPE, whole numbers have no fraction, and a family without samples is not there at all.
/// </summary>
internal sealed class MetricsText(IBufferWriter<byte> output)
{
    private const string Unknown = "unknown";
    private MetricFamily? _unwritten;
    private ReadOnlyMemory<byte> _sampleName;
    private bool _hasLabels;

    /// <summary>Starts a family; its head is written with its first sample.</summary>
    public void BeginFamily(MetricFamily family)
    {
        _unwritten = family;
        _sampleName = Encoding.UTF8.GetBytes(family.SampleName);
    }

    /// <summary>Writes one sample of the family.</summary>
    public void Sample(in MetricSample sample)
    {
        if (_unwritten is { } family)
        {
            _unwritten = null;
            WriteHead(family);
        }

        Raw(_sampleName.Span);
        Text(sample.Suffix);
        _hasLabels = false;
        sample.WriteLabels?.Invoke(this);
        Raw(_hasLabels ? "} "u8 : " "u8);
        if (sample.Fraction is { } fraction)
        {
            Text(Number(fraction));
        }
        else
        {
            sample.Value.TryFormat(output.GetSpan(24), out var length, default, CultureInfo.InvariantCulture);
            output.Advance(length);
        }

        Raw("\n"u8);
    }

    /// <summary>
    /// Writes a label. An empty value is <c>unknown</c>: Prometheus drops empty ones, and readers then the series.
    /// </summary>
    public void Label(ReadOnlySpan<byte> name, string? value)
    {
        Raw(_hasLabels ? ","u8 : "{"u8);
        _hasLabels = true;
        Raw(name);
        Raw("=\""u8);
        Escaped(string.IsNullOrEmpty(value) ? Unknown : value);
        Raw("\""u8);
    }

    /// <summary>A number as the reference prints it: whole ones with <c>.0</c>, never an exponent.</summary>
    public static string Number(double value) => value.ToString("0.0##################", CultureInfo.InvariantCulture);

    /// <summary>Ends the exposition.</summary>
    public void End() => Raw("# EOF\n"u8);

    private void WriteHead(MetricFamily family)
    {
        Text($"# HELP {family.Name} {family.Help}\n# TYPE {family.Name} {family.Type}\n");
        if (family.Unit is { } unit)
        {
            Text($"# UNIT {family.Name} {unit}\n");
        }
    }

    private void Escaped(string value)
    {
        Text(value.AsSpan().IndexOfAny('\\', '"', '\n') < 0
            ? value
            : value.Replace("\\", @"\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", @"\n", StringComparison.Ordinal));
    }

    private void Text(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, output);

    private void Raw(ReadOnlySpan<byte> bytes) => output.Write(bytes);
}
