using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ztunnel.Telemetry;

/// <summary>
/// <c>time TAB level TAB target TAB message TAB key=value key=value LF</c>. The tab after the message is there without
/// fields too. Text is quoted and escaped as Rust's <c>Debug</c> does, so that a line is always one line and nobody's
/// value can look like another field.
/// </summary>
internal sealed class PlainLogLine : LogLine
{
    private bool _hasFields;

    /// <inheritdoc/>
    public override LogFormat Format => LogFormat.Plain;

    /// <inheritdoc/>
    public override void AddText(string key, string value)
    {
        AppendKey(key);
        Buffer.Write("\""u8);
        AppendEscaped(value, quoted: true);
        Buffer.Write("\""u8);
    }

    /// <inheritdoc/>
    public override void AddBare(string key, string value)
    {
        AppendKey(key);
        AppendEscaped(value.Replace(" ", @"\u{20}", StringComparison.Ordinal), quoted: false);
    }

    /// <inheritdoc/>
    public override void AddNumber(string key, long value)
    {
        AppendKey(key);
        AppendNumber(value);
    }

    /// <inheritdoc/>
    public override void AddNumber(string key, double value)
    {
        AppendKey(key);
        AppendNumber(value);
    }

    /// <inheritdoc/>
    public override void End() => Buffer.Write("\n"u8);

    /// <inheritdoc/>
    protected override void WriteHead(DateTimeOffset time, string level, LogTarget target, string message)
    {
        _hasFields = false;
        Buffer.Advance(FormatTime(time, Buffer.GetSpan(32)));
        Buffer.Write("\t"u8);
        Append(level);
        Buffer.Write("\t"u8);
        Append(target.Name);
        Buffer.Write("\t"u8);
        AppendEscaped(message, quoted: false);
        Buffer.Write("\t"u8);
    }

    private void AppendKey(string key)
    {
        if (_hasFields)
        {
            Buffer.Write(" "u8);
        }

        _hasFields = true;
        Append(key);
        Buffer.Write("="u8);
    }

    private void AppendNumber<T>(T value)
        where T : IUtf8SpanFormattable
    {
        value.TryFormat(Buffer.GetSpan(32), out var length, default, CultureInfo.InvariantCulture);
        Buffer.Advance(length);
    }

    private void AppendEscaped(string text, bool quoted)
    {
        var plain = 0; // start of what needs no escape and is not yet appended
        for (var i = 0; i < text.Length;)
        {
            var isRune = Rune.TryGetRuneAt(text, i, out var rune);
            var length = isRune ? rune.Utf16SequenceLength : 1;
            if (!isRune || NeedsEscape(rune, quoted))
            {
                Append(text.AsSpan(plain, i - plain));
                AppendEscape(isRune ? rune : Rune.ReplacementChar);
                plain = i + length;
            }

            i += length;
        }

        Append(text.AsSpan(plain));
    }

    private void AppendEscape(Rune rune) => Append(rune.Value switch
    {
        '\0' => @"\0",
        '\t' => @"\t",
        '\n' => @"\n",
        '\r' => @"\r",
        '"' => "\\\"",
        '\\' => @"\\",
        _ => $@"\u{{{rune.Value:x}}}",
    });

    private static bool NeedsEscape(Rune rune, bool quoted)
    {
        if (rune.IsAscii)
        {
            return rune.Value is < ' ' or 0x7F || (quoted && rune.Value is '"' or '\\');
        }

        // Rust: what is not printable, and marks that would join the character before them.
        return Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;
    }
}
