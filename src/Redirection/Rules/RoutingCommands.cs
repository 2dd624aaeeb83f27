namespace Redirection.Rules;

/// <summary>
/// Arguments of <c>ip</c> that bring marked replies back to the proxy: table 100 calls every address local, and packets
/// marked as replies use it (ip-rule(8), ip-route(8)).
/// </summary>
internal static class RoutingCommands
{
    private const string Table = "100";
    private const string Priority = "32764";

    /// <summary>What the system says when there is nothing left to do, whichever command it was.</summary>
    public static IReadOnlyList<string> DoneAlready { get; } =
    [
        "RTNETLINK answers: File exists",
        "RTNETLINK answers: No such file or directory",
        "RTNETLINK answers: No such process",
        "FIB table does not exist",
    ];

    /// <summary>Route and rule of each family.</summary>
    public static IEnumerable<string[]> ToAdd(bool ipv6) => Commands("add", ipv6);

    /// <summary>The same, taken out.</summary>
    public static IEnumerable<string[]> ToRemove(bool ipv6) => Commands("del", ipv6);

    /// <summary>Commands that list route and rule of each family, and what is in their output once both are there.</summary>
    public static IEnumerable<(string[] Arguments, string Wanted)> ToList(bool ipv6)
    {
        string[] families = ipv6 ? ["-4", "-6"] : ["-4"];
        foreach (var family in families)
        {
            yield return ([family, "route", "show", "table", Table], "local default dev lo");
            yield return ([family, "rule", "show"], $"fwmark {InPodRules.ReplyMarkAndMask} lookup {Table}");
        }
    }

    private static IEnumerable<string[]> Commands(string action, bool ipv6)
    {
        yield return ["route", action, "local", "0.0.0.0/0", "dev", "lo", "table", Table];
        yield return ["rule", action, "fwmark", InPodRules.ReplyMarkAndMask, "lookup", Table, "pref", Priority];
        if (ipv6)
        {
            yield return ["-6", "route", action, "local", "::/0", "dev", "lo", "table", Table];
            yield return ["-6", "rule", action, "fwmark", InPodRules.ReplyMarkAndMask, "lookup", Table, "pref", Priority];
        }
    }
}
