using System.Reflection;
using System.Text.Json;
using Ztunnel.Config;

namespace Ztunnel.Cli;

/// <summary>What was built, from what: <c>ztunnel version</c>, the first log line and <c>/config_dump</c>.</summary>
/// <param name="Version">Of this project.</param>
/// <param name="GitRevision">Commit, or <c>unknown</c> when built outside a repository.</param>
/// <param name="RuntimeVersion">Of .NET. Readers know the key as <c>rustVersion</c>.</param>
/// <param name="BuildProfile"><c>release</c> or <c>debug</c>.</param>
/// <param name="IstioVersion">That the image belongs to, from the environment.</param>
internal sealed record VersionInfo(
    string Version, string GitRevision, string RuntimeVersion, string BuildProfile, string IstioVersion)
{
    private const string Unknown = "unknown";

    // The compiler does not know whether the tree had changes.
    private const string BuildStatus = Unknown;
    private const string CryptoProvider = "tls-openssl";

    /// <summary>Of this program in this environment, whatever else is wrong with that.</summary>
    public static VersionInfo OfProcess() =>
        Of(ProxyOptionsReader.ReadIstioVersion(new EnvironmentReader(EnvironmentReader.ProcessVariables())));

    /// <summary>Of this program.</summary>
    /// <param name="istioVersion">From the options.</param>
    public static VersionInfo Of(string istioVersion)
    {
        var assembly = typeof(VersionInfo).Assembly;
        var profile = assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration;
        var (version, revision) = Split(
            assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? Unknown);
        return new VersionInfo(
            version, revision, $"{Environment.Version}", profile?.ToLowerInvariant() ?? Unknown, istioVersion);
    }

    /// <summary>Cuts <c>0.1.0+{commit}</c>, the form that the SDK writes.</summary>
    internal static (string Version, string GitRevision) Split(string informationalVersion) =>
        informationalVersion.Split('+', 2) is [var version, { Length: > 0 } revision]
            ? (version, revision)
            : (informationalVersion.TrimEnd('+'), Unknown);

    /// <summary>
    /// Writes the <c>version</c> object of <c>/config_dump</c> as the next value, keys in ordinal order.
    /// </summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("buildProfile", BuildProfile);
        json.WriteString("buildStatus", BuildStatus);
        json.WriteString("cryptoProvider", CryptoProvider);
        json.WriteString("gitRevision", GitRevision);
        json.WriteString("istioVersion", IstioVersion);
        json.WriteString("rustVersion", RuntimeVersion);
        json.WriteString("version", Version);
        json.WriteEndObject();
    }

    /// <summary>The form of other Istio components: <c>version.BuildInfo{Version:"...", ...}</c>.</summary>
    public override string ToString() =>
        $$"""version.BuildInfo{Version:"{{Version}}", GitRevision:"{{GitRevision}}", """
        + $$"""RustVersion:"{{RuntimeVersion}}", BuildProfile:"{{BuildProfile}}", BuildStatus:"{{BuildStatus}}", """
        + $$"""IstioVersion:"{{IstioVersion}}", CryptoProvider:"{{CryptoProvider}}"}""";
}
