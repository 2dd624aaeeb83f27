using Ztunnel.Cli;

namespace Ztunnel.Tests.Inspect;

public sealed class InspectOptionsTests
{
    [Theory]
    [InlineData("workloads", "http://127.0.0.1:15000/", null)]
    [InlineData("services --admin 127.0.0.1:1", "http://127.0.0.1:1/", null)]
    [InlineData("policy --admin=http://[::1]:2/config_dump", "http://[::1]:2/config_dump", null)]
    [InlineData("connections -f -", "http://127.0.0.1:15000/", "-")]
    [InlineData("certificates --file dump.json", "http://127.0.0.1:15000/", "dump.json")]
    public void Parse_Source_IsTaken(string line, string admin, string? file)
    {
        var options = InspectOptions.Parse(line.Split(' '), TimeProvider.System);

        Assert.Equal((admin, file), (options.Admin.ToString(), options.File));
    }

    [Theory]
    [InlineData("workloads", "Table")]
    [InlineData("workloads -o short", "Table")]
    [InlineData("workloads -o json", "Json")]
    [InlineData("workloads --output=yaml", "Yaml")]
    public void Parse_Format_IsTaken(string line, string format) =>
        Assert.Equal(format, InspectOptions.Parse(line.Split(' '), TimeProvider.System).Format.ToString());

    [Theory]
    [InlineData("workloads -o xml", "-o cannot be 'xml': expected table, json or yaml\n")]
    [InlineData("workloads -o", "-o needs a value\n")]
    [InlineData("workloads extra", "unexpected argument 'extra': 'ztunnel workloads' does not have it, see 'ztunnel help'\n")]
    [InlineData("services --address 1", "unexpected argument '--address': 'ztunnel services' does not have it, see 'ztunnel help'\n")]
    [InlineData("workloads --admin ftp://a", "--admin cannot be 'ftp://a': expected http://ADDRESS:PORT\n")]
    [InlineData("workloads --admin http://", "--admin cannot be 'http://': expected http://ADDRESS:PORT\n")]
    [InlineData("workloads --admin 127.0.0.1:1 -f x", "--admin and -f exclude each other: a dump has one source\n")]
    [InlineData("connections --direction up", "--direction cannot be 'up': expected inbound or outbound\n")]
    [InlineData("connections --raw=1", "--raw takes no value\n")]
    [InlineData("connections --raw -o json", "--direction and --raw are for the table: JSON and YAML show pods as they are\n")]
    public async Task Run_CannotBeUnderstood_SaysWhy(string line, string error) =>
        Assert.Equal((1, "", error), await Inspecting.RunAsync(line.Split(' ')));

    [Theory]
    [InlineData("workloads")]
    [InlineData("connections -o json")]
    public void CommandLine_Subject_IsACommandWithAllArguments(string line)
    {
        var parsed = CommandLine.Parse(line.Split(' '));

        Assert.Equal(Command.Inspect, parsed.Command);
        Assert.Equal(line.Split(' '), parsed.Arguments);
    }
}
