using System.Text;

namespace Ztunnel.Telemetry;

/// <summary>
/// Where a log line comes from, in the spelling that filters and log readers know. A category that is a type name
/// turns into lower-case words, its parts joined by <c>::</c>, without our own root:
/// <c>Ztunnel.Proxy.OutboundProxy</c> is <c>proxy::outbound_proxy</c>. Others stay as they are: <c>access</c>.
/// </summary>
/// <param name="Name">Third column of the plain form.</param>
/// <param name="Scope">The same with our root, member <c>scope</c> of the JSON form.</param>
internal sealed record LogTarget(string Name, string Scope)
{
    private const string OwnRoot = "ztunnel::";

    /// <summary>The target of a logger category.</summary>
    public static LogTarget FromCategory(string category)
    {
        var scope = string.Join("::", category.Split('.').Select(ToWords));
        var isOurs = scope.StartsWith(OwnRoot, StringComparison.Ordinal);
        return new LogTarget(isOurs ? scope[OwnRoot.Length..] : scope, scope);
    }

    /// <summary>Whether a filter's <paramref name="prefix"/> means this target, with or without our root.</summary>
    public bool StartsWith(string prefix) =>
        Name.StartsWith(prefix, StringComparison.Ordinal) || Scope.StartsWith(prefix, StringComparison.Ordinal);

    /// <summary>
    /// <c>HbonePool</c> and <c>hbonePool</c> are <c>hbone_pool</c>, <c>XDSClient</c> is <c>xds_client</c>.
    /// </summary>
    public static string ToWords(string name)
    {
        var words = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            var startsWord = char.IsUpper(name[i]) && i > 0 && name[i - 1] != '_'
                && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            if (startsWord)
            {
                words.Append('_');
            }

            words.Append(char.ToLowerInvariant(name[i]));
        }

        return words.ToString();
    }
}
