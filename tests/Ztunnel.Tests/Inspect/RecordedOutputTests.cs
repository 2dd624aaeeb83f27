using Fixtures;

namespace Ztunnel.Tests.Inspect;

/// <summary>What the real istioctl printed for recorded dumps, byte for byte.</summary>
public sealed class RecordedOutputTests
{
    private static readonly string[] Subjects = ["workload", "service", "policy", "certificate", "connections"];

    public static TheoryData<string, string> Recordings()
    {
        var rows = new TheoryData<string, string>();
        foreach (var dump in (string[])["localhost", "shared-na", "twopods-a", "twopods-b"])
        {
            foreach (var subject in Subjects)
            {
                rows.Add(dump, subject);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Table_OfARecordedDump_IsIstioctls(string dump, string subject) => Assert.Equal(
        Fixture.Read("istioctl", "recorded", $"{dump}.{subject}.txt"),
        await Inspecting.ShowAsync(subject, "-f", Fixture.PathOf("config_dump", $"{dump}.json")));

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task Json_OfARecordedDump_IsIstioctls(string dump, string subject) => Assert.Equal(
        Fixture.Read("istioctl", "recorded", $"{dump}.{subject}.json"),
        await Inspecting.ShowAsync(subject, "-o", "json", "-f", Fixture.PathOf("config_dump", $"{dump}.json")));

    [Theory]
    [InlineData("workloads", "workloadsummary.txt")]
    [InlineData("policies", "policies.txt")]
    [InlineData("certificates", "secretsummary.txt")]
    [InlineData("connections", "connectionsummary.txt")]
    public async Task Table_OfTheOlderLayout_IsIstioctls(string subject, string expected) => Assert.Equal(
        Fixture.Read("istioctl", expected),
        await Inspecting.ShowAsync(subject, "-f", Fixture.PathOf("istioctl", "dump.json")));

    [Fact]
    public async Task Tables_OfTheOlderLayout_TogetherAreIstioctlsAll()
    {
        var all = "";
        foreach (var subject in Subjects)
        {
            all += "\n" + await Inspecting.ShowAsync(subject, "-f", Fixture.PathOf("istioctl", "dump.json"));
        }

        Assert.Equal(Fixture.Read("istioctl", "allsummary.txt"), all);
    }

    [Fact]
    public async Task Json_OfTheOlderLayout_IsIstioctls() => Assert.Equal(
        Fixture.Read("istioctl", "connectionsdump.json"),
        await Inspecting.ShowAsync("connections", "-o", "json", "-f", Fixture.PathOf("istioctl", "dump.json")));
}
