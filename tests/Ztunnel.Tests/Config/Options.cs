using Ztunnel.Config;

namespace Ztunnel.Tests.Config;

/// <summary>Reads options from a few variables, on a machine of 8 processors without any file.</summary>
internal static class Options
{
    public static ProxyOptions From(params ReadOnlySpan<(string Name, string Value)> variables) =>
        From(meshConfig: null, variables);

    public static ProxyOptions From(
        ProxyConfig? meshConfig, params ReadOnlySpan<(string Name, string Value)> variables) =>
        ProxyOptions.FromEnvironment(Environment(variables), meshConfig, new HostFacts(8, _ => false));

    public static ProxyOptions OnMachine(HostFacts host, params ReadOnlySpan<(string Name, string Value)> variables) =>
        ProxyOptions.FromEnvironment(Environment(variables), meshConfig: null, host);

    /// <summary>The start stops, and the error names variable and value.</summary>
    public static void AssertRefused(string name, string value)
    {
        var error = Assert.Throws<ConfigurationException>(() => From((name, value)));

        Assert.Equal(name, error.Setting);
        Assert.StartsWith($"{name}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains($"'{value}'", error.Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Environment(ReadOnlySpan<(string Name, string Value)> variables)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in variables)
        {
            environment.Add(name, value);
        }

        return environment;
    }
}
