using System.Collections.Immutable;
using System.Text.Json;
using Ztunnel.Policy;
using IPNetwork = System.Net.IPNetwork;

namespace Ztunnel.Mesh.Dump;

/// <summary>An authorization policy in the dump.</summary>
internal static class PolicyJson
{
    public static void Write(Utf8JsonWriter writer, Authorization policy)
    {
        writer.WriteStartObject();
        writer.WriteString("action"u8, policy.Action == PolicyAction.Deny ? "Deny" : "Allow");
        writer.WriteBoolean("dryRun"u8, policy.DryRun);
        writer.WriteString("name"u8, policy.Name);
        writer.WriteString("namespace"u8, policy.Namespace);
        writer.WriteStartArray("rules"u8);
        foreach (var rule in policy.Rules)
        {
            writer.WriteStartArray();
            foreach (var clause in rule.Clauses)
            {
                writer.WriteStartArray();
                foreach (var match in clause.Matches)
                {
                    WriteMatch(writer, match);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
        writer.WriteString("scope"u8, ToText(policy.Scope));
        writer.WriteEndObject();
    }

    private static void WriteMatch(Utf8JsonWriter writer, PolicyMatch match)
    {
        writer.WriteStartObject();
        WriteList(writer, "destinationIps"u8, match.DestinationIps, WriteNetwork);
        WriteList(writer, "destinationPorts"u8, match.DestinationPorts, WritePort);
        WriteList(writer, "namespaces"u8, match.Namespaces, WriteString);
        WriteList(writer, "notDestinationIps"u8, match.NotDestinationIps, WriteNetwork);
        WriteList(writer, "notDestinationPorts"u8, match.NotDestinationPorts, WritePort);
        WriteList(writer, "notNamespaces"u8, match.NotNamespaces, WriteString);
        WriteList(writer, "notPrincipals"u8, match.NotPrincipals, WriteString);
        WriteList(writer, "notServiceAccounts"u8, match.NotServiceAccounts, WriteServiceAccount);
        WriteList(writer, "notSourceIps"u8, match.NotSourceIps, WriteNetwork);
        WriteList(writer, "principals"u8, match.Principals, WriteString);
        WriteList(writer, "serviceAccounts"u8, match.ServiceAccounts, WriteServiceAccount);
        WriteList(writer, "sourceIps"u8, match.SourceIps, WriteNetwork);
        writer.WriteEndObject();
    }

    private static void WriteList<TItem>(
        Utf8JsonWriter writer, ReadOnlySpan<byte> key, ImmutableArray<TItem> items, Action<Utf8JsonWriter, TItem> write)
    {
        if (items.IsEmpty)
        {
            return;
        }

        writer.WriteStartArray(key);
        foreach (var item in items)
        {
            write(writer, item);
        }

        writer.WriteEndArray();
    }

    private static void WriteNetwork(Utf8JsonWriter writer, IPNetwork network) =>
        writer.WriteStringValue(network.ToString());

    private static void WritePort(Utf8JsonWriter writer, ushort port) => writer.WriteNumberValue(port);

    private static void WriteServiceAccount(Utf8JsonWriter writer, ServiceAccountMatch match)
    {
        writer.WriteStartObject();
        writer.WriteString("namespace"u8, match.Namespace);
        writer.WriteString("serviceAccount"u8, match.ServiceAccount);
        writer.WriteEndObject();
    }

    private static void WriteString(Utf8JsonWriter writer, StringMatch match)
    {
        writer.WriteStartObject();
        if (match.Kind == StringMatchKind.Presence)
        {
            writer.WriteStartArray("Presence"u8);
            writer.WriteEndArray();
        }
        else
        {
            writer.WriteString(ToKey(match.Kind), match.Value);
        }

        writer.WriteEndObject();
    }

    private static string ToKey(StringMatchKind kind) => kind switch
    {
        StringMatchKind.Exact => "Exact",
        StringMatchKind.Prefix => "Prefix",
        StringMatchKind.Suffix => "Suffix",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "a match without a value"),
    };

    private static string ToText(PolicyScope scope) => scope switch
    {
        PolicyScope.Global => "Global",
        PolicyScope.Namespace => "Namespace",
        PolicyScope.WorkloadSelector => "WorkloadSelector",
        _ => throw new ArgumentOutOfRangeException(nameof(scope), scope, "unknown policy scope"),
    };
}
