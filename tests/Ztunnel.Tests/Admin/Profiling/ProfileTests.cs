using System.IO.Compression;
using Ztunnel.Admin.Profiling;
using Ztunnel.Protos.Pprof;

namespace Ztunnel.Tests.Admin.Profiling;

public sealed class ProfileTests
{
    private static readonly DateTimeOffset Begun = new(2026, 8, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Cpu_HasASampleForEachThreadAndKindOfTime()
    {
        var used = CpuByThreadTests.Reading(
            new(150, 20), (7, "log", 100, 20), (8, "log", 30, 0), (9, "idle", 0, 0));

        var profile = Read(CpuProfile.Write(Begun, TimeSpan.FromSeconds(3), used));

        Assert.Equal(
            [
                ("ztunnel;thread log;log, user", 7, 1_000_000_000),
                ("ztunnel;thread log;log, kernel", 7, 200_000_000),
                ("ztunnel;thread log;log, user", 8, 300_000_000),
                ("ztunnel;thread (threads that ended);(threads that ended), user", 0, 200_000_000),
            ],
            profile.Sample.Select(sample => (StackOf(profile, sample), (int)sample.Label[0].Num, Assert.Single(sample.Value))));
        Assert.Equal(("cpu", "nanoseconds"), TypeOf(profile, Assert.Single(profile.SampleType)));
        Assert.Equal(("cpu", "nanoseconds"), TypeOf(profile, profile.PeriodType));
        Assert.Equal(10_000_000, profile.Period);
        Assert.Equal(3_000_000_000, profile.DurationNanos);
        Assert.Equal(Begun.ToUnixTimeSeconds() * 1_000_000_000, profile.TimeNanos);
        Assert.Equal("thread", profile.StringTable[(int)profile.Sample[0].Label[0].Key]);
    }

    [Fact]
    public void Heap_HasASampleForEachPartAndCountsBuffersOnce()
    {
        var use = new MemoryUse
        {
            Heap = [("generation 0", 1), ("large objects", 20)],
            HeapFree = 300,
            Native = 4000,
            Files = 50_000,
            Buffered = 7,
        };

        var profile = Read(HeapProfile.Write(Begun, use));

        Assert.Equal(
            [("inuse_space", "bytes"), ("buffered", "bytes")], profile.SampleType.Select(type => TypeOf(profile, type)));
        Assert.Equal("inuse_space", profile.StringTable[(int)profile.DefaultSampleType]);
        Assert.Equal(54_321, profile.Sample.Sum(sample => sample.Value[0]));
        Assert.Equal(7, profile.Sample.Sum(sample => sample.Value[1]));
        Assert.Contains(profile.Sample, sample =>
            StackOf(profile, sample) == "ztunnel;managed heap;large objects" && sample.Value[0] == 20);
    }

    // What pprof's own CheckValid demands.
    [Fact]
    public void Profile_IsValidForItsReaders()
    {
        var profile = Read(HeapProfile.Write(Begun, MemoryUse.Read(new Hbone.Memory.MemoryBudget(1000))));

        Assert.Equal("", profile.StringTable[0]);
        Assert.Distinct(profile.StringTable);
        Assert.Distinct(profile.Function.Select(function => function.Id));
        Assert.DoesNotContain(0UL, profile.Location.Select(location => location.Id));
        Assert.All(profile.Sample, sample => Assert.Equal(profile.SampleType.Count, sample.Value.Count));
        Assert.All(profile.Sample, sample => Assert.All(
            sample.LocationId, id => Assert.Single(profile.Location, location => location.Id == id)));
        Assert.True(profile.Sample.Sum(sample => sample.Value[0]) > 1_000_000);
    }

    [Theory]
    [InlineData("RssAnon:\t    1234 kB\nRssFile:\t 5 kB\n", 1234 * 1024)]
    [InlineData("VmRssAnon: 7 kB\nRssAnonymous: 8 kB\n", 0)]
    [InlineData("RssAnon: many kB\n", 0)]
    [InlineData("RssAnon:", 0)]
    [InlineData("RssAnon", 0)]
    [InlineData("", 0)]
    public void Status_LineOfAName_IsReadInKilobytes(string status, long expected) =>
        Assert.Equal(expected, MemoryUse.KilobytesIn(status, "RssAnon"));

    internal static Profile Read(byte[] compressed)
    {
        using var stream = new GZipStream(new MemoryStream(compressed), CompressionMode.Decompress);
        return Profile.Parser.ParseFrom(stream);
    }

    private static string StackOf(Profile profile, Sample sample) => string.Join(';', sample.LocationId.Reverse().Select(id =>
    {
        var function = profile.Location.Single(location => location.Id == id).Line[0].FunctionId;
        return profile.StringTable[(int)profile.Function.Single(candidate => candidate.Id == function).Name];
    }));

    private static (string Type, string Unit) TypeOf(Profile profile, Protos.Pprof.ValueType type) =>
        (profile.StringTable[(int)type.Type], profile.StringTable[(int)type.Unit]);
}
