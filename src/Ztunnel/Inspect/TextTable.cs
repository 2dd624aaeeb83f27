using System.Globalization;

namespace Ztunnel.Inspect;

/// <summary>
/// Aligned columns as Go's <c>text/tabwriter</c> makes them: each but the last is as wide as its widest cell, counted in
/// code points, and <paramref name="padding"/> more. Characters that a terminal acts upon are escaped.
/// </summary>
/// <param name="padding">Spaces between columns.</param>
/// <param name="header">Names of the columns; each row has as many cells.</param>
internal sealed class TextTable(int padding, params string[] header)
{
    private readonly List<string[]> _rows = [header];
    private readonly int[] _widths = [.. header.Select(WidthOf)];

    /// <summary>Adds a row.</summary>
    public void Add(params string[] cells)
    {
        for (var i = 0; i < cells.Length; i++)
        {
            cells[i] = Printable(cells[i]);
            _widths[i] = Math.Max(_widths[i], WidthOf(cells[i]));
        }

        _rows.Add(cells);
    }

    /// <summary>Writes row by row.</summary>
    public async Task WriteToAsync(ChunkedText output, CancellationToken cancellationToken)
    {
        foreach (var row in _rows)
        {
            for (var i = 0; i < row.Length - 1; i++)
            {
                output.Text.Append(row[i]).Append(' ', _widths[i] - WidthOf(row[i]) + padding);
            }

            output.Text.Append(row[^1]).Append('\n');
            await output.OfferAsync(cancellationToken);
        }
    }

    /// <summary>With control characters, separators and directional marks as <c>\u001b</c>.</summary>
    internal static string Printable(string text) =>
        text.All(IsPrintable)
            ? text
            : string.Concat(text.Select(c => IsPrintable(c)
                ? c.ToString()
                : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));

    private static bool IsPrintable(char c) => char.IsAscii(c)
        ? !char.IsControl(c)
        : char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static int WidthOf(string text)
    {
        var width = 0;
        foreach (var c in text)
        {
            width += char.IsLowSurrogate(c) ? 0 : 1;
        }

        return width;
    }
}
