using Ztunnel.Cli;

namespace Ztunnel.Tests.Cli;

public class CommandLineTests
{
    [Theory]
    [InlineData("")]
    [InlineData("proxy")]
    [InlineData("proxy ztunnel")]
    [InlineData("proxy ztunnel --anything")]
    public void Parse_NothingOrProxy_RunsTheProxy(string line) => Assert.Equal(Command.Proxy, Parse(line).Command);

    [Theory]
    [InlineData("version")]
    [InlineData("version --short")]
    public void Parse_Version(string line) => Assert.Equal(Command.Version, Parse(line).Command);

    [Theory]
    [InlineData("help")]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Parse_Help(string line) => Assert.Equal(Command.Help, Parse(line).Command);

    [Fact]
    public void Parse_Demo_KeepTakenOut_RestPassedOn()
    {
        var line = Parse("demo one --keep two");

        Assert.Equal(Command.Demo, line.Command);
        Assert.True(line.Keep);
        Assert.Equal(["one", "two"], line.Arguments);
        Assert.False(Parse("demo one").Keep);
    }

    [Fact]
    public void Parse_DemoWithControlPlane_TakenOut_RestPassedOn()
    {
        var line = Parse("demo one --xds /bin/plane --keep two");

        Assert.Equal((Command.Demo, "/bin/plane", true), (line.Command, line.ControlPlane, line.Keep));
        Assert.Equal(["one", "two"], line.Arguments);
        Assert.Null(Parse("demo one").ControlPlane);
    }

    [Fact]
    public void Parse_DemoWithControlPlaneUnnamed_IsAnError()
    {
        var line = Parse("demo --keep --xds");

        Assert.Equal((Command.Unknown, "--xds needs the program of a control plane"), (line.Command, line.Error));
    }

    [Theory]
    [InlineData("cni-server --uds path", nameof(Command.CniServer))]
    [InlineData("redirect show --netns", nameof(Command.Redirect))]
    [InlineData("probes remove", nameof(Command.Probes))]
    public void Parse_OtherCommands_RestPassedOn(string line, string command)
    {
        var parsed = Parse(line);

        Assert.Equal(command, parsed.Command.ToString());
        Assert.Equal(line.Split(' ')[1..], parsed.Arguments);
    }

    [Theory]
    [InlineData("prox")]
    [InlineData("Proxy")]
    [InlineData("--version")]
    [InlineData("ztunnel proxy")]
    public void Parse_AnythingElse_OneLineOfError(string line)
    {
        var parsed = Parse(line);

        Assert.Equal(Command.Unknown, parsed.Command);
        Assert.Equal(
            $"unknown command '{line.Split(' ')[0]}': expected proxy, demo, cni-server, redirect, probes, "
            + "workloads, services, policies, certificates, connections, version or help",
            parsed.Error);
    }

    private static CommandLine Parse(string line) =>
        CommandLine.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
