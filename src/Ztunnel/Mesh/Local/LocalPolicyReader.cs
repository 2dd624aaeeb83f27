using System.Collections.Immutable;
using Ztunnel.Policy;
using IPNetwork = System.Net.IPNetwork;

namespace Ztunnel.Mesh.Local;

/// <summary>Reads the entries of <c>policies</c>. Anything unreadable is an error: a policy is never widened.</summary>
internal static class LocalPolicyReader
{
    public static Authorization Read(LocalValue value)
    {
        var fields = value.Object();
        var policy = new Authorization(
            fields.Required("name").Text(),
            fields.Required("namespace").Text(),
            fields.Required("scope").Choice(
                ("Global", PolicyScope.Global),
                ("Namespace", PolicyScope.Namespace),
                ("WorkloadSelector", PolicyScope.WorkloadSelector)),
            fields.Required("action").Choice(("Allow", PolicyAction.Allow), ("Deny", PolicyAction.Deny)),
            fields.Required("rules").List(Rule),
            fields.Required("dryRun").Boolean());
        fields.RejectOtherKeys();
        return policy;
    }

    private static PolicyRule Rule(LocalValue value) =>
        new(value.List(clause => new PolicyClause(clause.List(Match))));

    private static PolicyMatch Match(LocalValue value)
    {
        var fields = value.Object();
        return new()
        {
            Namespaces = fields.List("namespaces", Text),
            NotNamespaces = fields.List("notNamespaces", Text),
            Principals = fields.List("principals", Text),
            NotPrincipals = fields.List("notPrincipals", Text),
            ServiceAccounts = fields.List("serviceAccounts", ServiceAccount),
            NotServiceAccounts = fields.List("notServiceAccounts", ServiceAccount),
            SourceIps = fields.List("sourceIps", Network),
            NotSourceIps = fields.List("notSourceIps", Network),
            DestinationIps = fields.List("destinationIps", Network),
            NotDestinationIps = fields.List("notDestinationIps", Network),
            DestinationPorts = fields.List("destinationPorts", port => port.UInt16()),
            NotDestinationPorts = fields.List("notDestinationPorts", port => port.UInt16()),
        };
    }

    private static IPNetwork Network(LocalValue value) => value.Network();

    private static ServiceAccountMatch ServiceAccount(LocalValue value)
    {
        var fields = value.Object();
        var match = new ServiceAccountMatch(
            fields.Required("namespace").Text(), fields.Required("serviceAccount").Text());
        fields.RejectOtherKeys();
        return match;
    }

    /// <summary>
    /// Tagged, <c>!Exact web</c> or <c>!Presence []</c>, or as the dump writes it, <c>{Exact: web}</c>.
    /// </summary>
    private static StringMatch Text(LocalValue value)
    {
        if (value.LocalTag is { } tag)
        {
            return Text(value, tag[1..], value);
        }

        if (value.IsMapping && value.Entries().ToImmutableArray() is [var (key, content)])
        {
            return Text(key, key.KeyText(), content);
        }

        throw value.Expected("one of !Exact, !Prefix, !Suffix and !Presence");
    }

    private static StringMatch Text(LocalValue named, string kind, LocalValue content) => kind switch
    {
        "Exact" => new(StringMatchKind.Exact, content.TaggedText()),
        "Prefix" => new(StringMatchKind.Prefix, content.TaggedText()),
        "Suffix" => new(StringMatchKind.Suffix, content.TaggedText()),
        "Presence" when content.IsEmptyList || content.IsNull => new(StringMatchKind.Presence, ""),
        "Presence" => throw content.Expected("[]"),
        _ => throw named.Error($"\"{LocalText.Printable(kind)}\" is not one of Exact, Prefix, Suffix, Presence"),
    };
}
