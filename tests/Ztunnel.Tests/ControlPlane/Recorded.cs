using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Works on recorded messages and totals.</summary>
internal static class Recorded
{
    /// <summary>The message with its resources in another order.</summary>
    public static byte[] Shuffled(byte[] message, Random random)
    {
        var response = DeltaDiscoveryResponse.Parser.ParseFrom(message);
        var resources = response.Resources.ToArray();
        random.Shuffle(resources);
        response.Resources.Clear();
        response.Resources.Add(resources);
        return response.ToByteArray();
    }

    /// <summary>Compares count and checksum of the sorted names, each followed by a line feed.</summary>
    public static void AssertNames(JsonNode expected, IEnumerable<string> names)
    {
        var sorted = names.Order(StringComparer.Ordinal).ToArray();
        var text = string.Concat(sorted.Select(name => name + "\n"));
        Assert.Equal((int)expected["count"]!, sorted.Length);
        Assert.Equal(
            (string)expected["namesSha256"]!, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
    }
}
