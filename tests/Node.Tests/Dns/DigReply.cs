using System.Text.RegularExpressions;

namespace Node.Tests.Dns;

/// <summary>What dig has to say of a reply.</summary>
/// <param name="Code">As dig spells it, such as <c>NXDOMAIN</c>.</param>
/// <param name="Flags">Such as <c>qr aa rd ra</c>.</param>
/// <param name="Answers">Owner, type and value of each record, sorted.</param>
internal sealed partial record DigReply(string Code, string Flags, string[] Answers)
{
    public static DigReply Parse(string output)
    {
        var head = Head().Match(output);
        Assert.True(head.Success, output);
        return new DigReply(
            head.Groups["code"].Value,
            head.Groups["flags"].Value,
            [.. Record().Matches(output).Select(record => record.Result("${owner} ${type} ${value}")).Order(StringComparer.Ordinal)]);
    }

    [GeneratedRegex(@"status: (?<code>\w+),.*?flags: (?<flags>[a-z ]*);", RegexOptions.Singleline)]
    private static partial Regex Head();

    [GeneratedRegex(@"^(?<owner>[^;\s]+)\.\s+\d+\s+IN\s+(?<type>\w+)\s+(?<value>\S+?)\.?$", RegexOptions.Multiline)]
    private static partial Regex Record();
}
