using System.Globalization;
using System.Text;

namespace Ztunnel.Mesh.Local;

/// <summary>Text of the mesh file as error messages show it.</summary>
internal static class LocalText
{
    private const int MaxLength = 80;

    /// <summary>Control characters escaped, cut to a readable length.</summary>
    public static string Printable(string text)
    {
        var result = new StringBuilder();
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, MaxLength)))
        {
            _ = char.IsControl(character)
                ? result.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}")
                : result.Append(character);
        }

        return text.Length <= MaxLength ? result.ToString() : result.Append("...").ToString();
    }
}
