namespace Ztunnel.Tests.Inspect;

/// <summary>Whatever a file holds: one line that names the file and the place, and nothing on standard output.</summary>
public sealed class BrokenDumpTests
{
    [Theory]
    [InlineData("", "ends too early or is not JSON at line 1, byte 1")]
    [InlineData("{\"workloads\":[{\"uid\":\"a\"}", "ends too early or is not JSON at line 1, byte 26, in workloads[1]")]
    [InlineData("{\"workloads\":[{\"uid\":", "in workloads[0]")]
    [InlineData("{\"workloads\":[{}\n,nonsense]}", "not JSON at line 2, byte 3, in workloads[1]")]
    [InlineData("{\"workloads\":[]} trailing", "not JSON at line 1, byte 18")]
    [InlineData("<html>", "not JSON at line 1, byte 1: '<' is an invalid start of a value")]
    [InlineData("[]", "not a config dump: expected an object, not a list")]
    [InlineData("{\"configs\":[]}", "not a config dump of ztunnel: it has none of workloads, services")]
    [InlineData("{\"workloads\":3}", "workloads: expected a list or an object, not this number")]
    [InlineData("{\"workloads\":[3]}", "workloads[0]: expected an object, not this number")]
    [InlineData("{\"workloads\":{\"a\":null}}", "workloads[0]: expected an object, not null")]
    [InlineData("{\"workloads\":[],\"WORKLOADS\":[]}", "workloads: is there twice")]
    [InlineData("{\"workloads\":[{},{\"uid\":[]}]}", "workloads[1].uid: expected a string, not a list")]
    [InlineData("{\"workloads\":[{\"locality\":{\"zone\":1}}]}", "workloads[0].locality.zone: expected a string, not this number")]
    [InlineData("{\"workloads\":[{\"capacity\":-1}]}", "workloads[0].capacity: expected a number from 0 to 4294967295")]
    [InlineData("{\"workloads\":[{\"capacity\":\"1\"}]}", "workloads[0].capacity: expected a number from 0 to 4294967295, not a string")]
    [InlineData("{\"workloads\":[{\"workloadIps\":\"10.0.0.1\"}]}", "workloads[0].workloadIps: expected a list, not a string")]
    [InlineData("{\"workloads\":[{\"uid\":\"\\ud800\"}]}", "workloads[0].uid: a string that is not Unicode")]
    [InlineData("{\"services\":[{\"ports\":{\"80\":65536}}]}", "services[0].ports: expected a number from 0 to 65535")]
    [InlineData("{\"services\":[{\"endpoints\":[]}]}", "services[0].endpoints: expected an object, not a list")]
    public async Task Workloads_OfABrokenDump_OneLineOfError(string dump, string error)
    {
        var (status, output, line) = await Inspecting.OverTextAsync(dump, "workloads");

        Assert.Equal((1, ""), (status, output));
        Assert.Contains(error, line, StringComparison.Ordinal);
        Assert.StartsWith("FILE: ", line, StringComparison.Ordinal);
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Workloads_NestedWithoutEnd_IsAnError()
    {
        var dump = "{\"config\":" + new string('[', 1_000_000);

        var (status, _, line) = await Inspecting.OverTextAsync(dump, "workloads");

        Assert.Equal(1, status);
        Assert.Contains("depth", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nonexistent/dump.json", "/nonexistent/dump.json: there is no such file\n")]
    [InlineData("/proc", "/proc: is a directory\n")]
    public async Task Workloads_OfNoFile_SaysSo(string path, string error) =>
        Assert.Equal((1, "", error), await Inspecting.RunAsync("workloads", "-f", path));

    [Fact]
    public async Task Workloads_OtherSectionsOfWrongTypes_AreNoMatter() => Assert.Equal(
        "NAMESPACE POD NAME ADDRESS NODE WAYPOINT PROTOCOL\n",
        await Inspecting.ShowTextAsync("{\"policies\":7,\"certificates\":[[[]]],\"services\":null}", "workloads"));
}
