using System.Buffers;

namespace Ztunnel.Config;

/// <summary>
/// A header for the control plane as the environment gives it (<c>XDS_HEADER_{name}</c>, <c>CA_HEADER_{name}</c>).
/// </summary>
internal static class ControlPlaneHeader
{
    /// <summary>RFC 9110 section 5.6.2 token characters, in HTTP/2's lower case.</summary>
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");

    /// <exception cref="ConfigurationException">Name or value cannot be sent.</exception>
    public static KeyValuePair<string, string> Read((string Variable, string Name, string Value) variable)
    {
        var name = variable.Name.ToLowerInvariant();
        // gRPC keeps the suffix for binary values.
        if (name.Length == 0
            || name.AsSpan().ContainsAnyExcept(NameCharacters)
            || name.EndsWith("-bin", StringComparison.Ordinal))
        {
            throw new ConfigurationException(variable.Variable, $"'{name}' is not the name of a header");
        }

        // Not shown: such headers can carry credentials.
        if (variable.Value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new ConfigurationException(variable.Variable, "its value is not printable ASCII");
        }

        return KeyValuePair.Create(name, variable.Value);
    }
}
