using Fixtures;

namespace Ztunnel.Tests.Inspect;

public sealed class FilterTests
{
    [Theory]
    [InlineData("twopods-a", "workloads --workload-namespace SHOP", "b external plain wp")]
    [InlineData("twopods-a", "workloads --address FD77::1", "a")]
    [InlineData("twopods-a", "workloads --address 10.77.0", "")]
    [InlineData("twopods-a", "workloads --workload-node=Node-B", "b plain wp")]
    [InlineData("twopods-a", "workloads --workload-node node-b --address 10.77.0.3", "plain")]
    [InlineData("twopods-a", "services --service-namespace default", "")]
    [InlineData("twopods-a", "services --service-namespace shop", "b nobody range viawp viawpip wp")]
    [InlineData("twopods-a", "policies --policy-namespace istio-system", "everywhere")]
    public async Task Table_Filtered_HasTheseNames(string dump, string line, string names) => Assert.Equal(
        names.Split(' ', StringSplitOptions.RemoveEmptyEntries), (await RowsAsync(dump, line)).Select(row => row[1]));

    [Theory]
    [InlineData("connections --direction Inbound", 2, "Inbound")]
    [InlineData("connections --direction outbound", 10, "Outbound")]
    public async Task Connections_OfADirection_AreThoseOnly(string line, int count, string direction) => Assert.Equal(
        Enumerable.Repeat(direction, count), (await RowsAsync("shared-na", line)).Select(row => row[1]));

    [Fact]
    public async Task Connections_Raw_HaveAddresses()
    {
        var rows = await RowsAsync("shared-na", "connections --raw --direction inbound");

        Assert.Equal(["p1.default", "Inbound", "10.78.0.11:7007", "10.78.0.16:51360", "TCP"], rows[0]);
    }

    [Fact]
    public async Task Json_OfAFilteredList_HasTheRestOnly()
    {
        var path = Fixture.PathOf("config_dump", "shared-na.json");

        Assert.Equal("[]\n", await Inspecting.ShowAsync("connections", "--workload-namespace", "x", "-o", "json", "-f", path));
        Assert.StartsWith(
            "[\n    {\n        \"uid\": \"c//v1/Pod/default/p3\",",
            await Inspecting.ShowAsync("workloads", "--address", "10.78.0.13", "-o", "json", "-f", path),
            StringComparison.Ordinal);
    }

    private static async Task<string[][]> RowsAsync(string dump, string line) =>
    [
        .. (await Inspecting.ShowAsync([.. line.Split(' '), "-f", Fixture.PathOf("config_dump", $"{dump}.json")]))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
    ];
}
