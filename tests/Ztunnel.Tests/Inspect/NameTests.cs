namespace Ztunnel.Tests.Inspect;

/// <summary>How waypoints and addresses get names.</summary>
public sealed class NameTests
{
    [Theory]
    [InlineData("null", "None")]
    [InlineData("{\"destination\":\"n/10.0.0.1\"}", "first")]
    [InlineData("{\"destination\":\"a/h\"}", "first")]
    [InlineData("{\"destination\":\"n/10.0.0.2\"}", "second")]
    [InlineData("{\"destination\":\"/10.0.0.1\"}", "NA")]
    [InlineData("{}", "NA")]
    public async Task Workloads_Waypoint_IsTheFirstServiceThatFits(string waypoint, string name)
    {
        var table = await Inspecting.ShowTextAsync(
            $$$"""
            {"workloads":[{"namespace":"a","name":"w","node":"n","workloadIps":["10.0.0.9"],"waypoint":{{{waypoint}}}}],
             "services":[{"namespace":"a","hostname":"h","name":"first","vips":["n/10.0.0.1"]},
                         {"namespace":"a","hostname":"h","name":"second","vips":["n/10.0.0.1","n/10.0.0.2"]}]}
            """,
            "workloads");

        Assert.Equal(name, table.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]);
    }

    [Theory]
    [InlineData("10.0.0.1:80", "svc:80")]
    [InlineData("10.0.0.2:80", "10.0.0.2:80")]
    [InlineData("10.0.0.3:80", "w.a:80")]
    [InlineData("[fd00::1]:80", "v.a:80")]
    [InlineData("fd00::1:80", "fd00::1:80")]
    [InlineData("[fd00::1]", "[fd00::1]")]
    [InlineData("[::]:1", "[::]:1")]
    [InlineData("example.com:1", "example.com:1")]
    [InlineData("nothing", "nothing")]
    [InlineData(":", ":")]
    public async Task Connections_Address_GetsItsName(string address, string name)
    {
        var table = await Inspecting.ShowTextAsync(
            $$$"""
            {"workloadState":{"u":{"connections":{"outbound":[{"src":"{{{address}}}","actualDst":"x","originalDst":"y","protocol":"P"}]},
             "info":{"name":"p","namespace":"a"} } },
             "services":[{"hostname":"svc","vips":["/10.0.0.1","/10.0.0.2"]},{"hostname":"none"}],
             "workloads":[{"name":"w","namespace":"a","workloadIps":["10.0.0.3","10.0.0.2"]},
                          {"name":"v","namespace":"a","workloadIps":["fd00::1"]},
                          {"name":"x","namespace":"a","workloadIps":["10.0.0.1"]}]}
            """,
            "connections");

        Assert.Equal($"p.a Outbound {name} x y P", string.Join(' ', table.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task Services_Endpoints_AreCountedByTheirWorkloads() => Assert.Equal(
        "NAMESPACE SERVICE NAME SERVICE VIP WAYPOINT ENDPOINTS\na         s            1,2         None     1/3\n",
        await Inspecting.ShowTextAsync(
            """
            {"services":[{"namespace":"a","name":"s","vips":["n/1","/2"],"endpoints":
               {"1":{"workloadUid":"good","status":"Unhealthy"},"2":{"workloadUid":"bad"},"3":{"workloadUid":"gone"}}}],
             "workloads":{"x":{"uid":"good","status":"Healthy"},"y":{"uid":"bad","status":"Unhealthy"}}}
            """,
            "services"));
}
