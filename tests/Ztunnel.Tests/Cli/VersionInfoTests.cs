using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.Cli;

namespace Ztunnel.Tests.Cli;

public class VersionInfoTests
{
    [Fact]
    public void Of_ThisBuild_Known()
    {
        var info = VersionInfo.Of("1.32.0");

        Assert.Matches(@"^\d+\.\d+\.\d+$", info.Version);
        Assert.Matches("^([0-9a-f]{40}|unknown)$", info.GitRevision);
        Assert.Equal($"{Environment.Version}", info.RuntimeVersion);
        Assert.Contains(info.BuildProfile, (string[])["debug", "release"]);
        Assert.Equal("1.32.0", info.IstioVersion);
    }

    [Theory]
    [InlineData("0.1.0+abc", "0.1.0", "abc")]
    [InlineData("0.1.0", "0.1.0", "unknown")]
    [InlineData("0.1.0+", "0.1.0", "unknown")]
    public void Split_SdkForm(string text, string version, string revision) =>
        Assert.Equal((version, revision), VersionInfo.Split(text));

    [Fact]
    public void WriteTo_KeysAndTypesOfTheRecordedDump()
    {
        var recorded = JsonNode.Parse(Fixtures.Fixture.Read("config_dump", "twopods-b.json"))!["version"]!.AsObject();
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            VersionInfo.Of("1.32.0").WriteTo(json);
        }

        var ours = JsonNode.Parse(Encoding.UTF8.GetString(buffer.ToArray()))!.AsObject();

        Assert.Equal(recorded.Select(entry => entry.Key), ours.Select(entry => entry.Key));
        Assert.All(ours, entry => Assert.Equal(JsonValueKind.String, entry.Value!.GetValueKind()));
    }

    [Fact]
    public void ToString_FormOfOtherComponents() =>
        Assert.Equal(
            """version.BuildInfo{Version:"1", GitRevision:"2", RustVersion:"3", BuildProfile:"4", """
            + """BuildStatus:"unknown", IstioVersion:"5", CryptoProvider:"tls-openssl"}""",
            new VersionInfo("1", "2", "3", "4", "5").ToString());
}
