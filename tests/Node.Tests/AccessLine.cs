using System.Text.Json;

namespace Node.Tests;

/// <summary>One line of the access log in its JSON form (data-path 11.2).</summary>
internal sealed class AccessLine(JsonElement line)
{
    /// <summary>A value as text; <see langword="null"/> if the line does not have the key.</summary>
    public string? this[string key] => line.TryGetProperty(key, out var value) ? value.ToString() : null;

    /// <summary>The access line that a line of the log is; null when it is something else.</summary>
    public static AccessLine? Parse(string line)
    {
        if (!line.StartsWith('{'))
        {
            return null;
        }

        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        return root.TryGetProperty("scope", out var scope) && scope.GetString() == "access"
            ? new AccessLine(root.Clone())
            : null;
    }

    public override string ToString() => line.ToString();
}
