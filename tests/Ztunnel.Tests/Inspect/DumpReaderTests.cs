using System.IO.Pipelines;
using System.Text;
using Fixtures;
using Ztunnel.Inspect;

namespace Ztunnel.Tests.Inspect;

public sealed class DumpReaderTests
{
    private const DumpSections All = DumpSections.Workloads | DumpSections.Services | DumpSections.Policies
        | DumpSections.Certificates | DumpSections.Pods;

    private const string Small = """
        {"config":{"a":[1,{"b":"x\"}"}],"workloads":[]},"Workloads":[{"UID":"ü\u00fc","capacity":4294967295,"x":[{}]},{}],
        "services":{"a/b":{"name":"s","ports":{"80":1}}},"certificates":null,"workloadState":{"u":{"info":null}}}
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> Cuts() => [.. Enumerable.Range(0, Encoding.UTF8.GetByteCount(Small) + 1)];

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Parser_CutAnywhere_KeepsTheSame(int cut)
    {
        var input = Encoding.UTF8.GetBytes(Small);
        var parser = new DumpParser(All);

        var taken = parser.Take(input.AsSpan(..cut), final: false);
        taken += parser.Take(input.AsSpan(taken), final: true);

        var dump = parser.Contents;
        Assert.Equal(input.Length, taken);
        Assert.Equal(["üü", ""], dump.Workloads.Select(workload => workload.Uid));
        Assert.Equal("s", Assert.Single(dump.Services).Name);
        Assert.Null(dump.Certificates);
        Assert.Equal("", Assert.Single(dump.Pods).Info.Name);
    }

    [Fact]
    public async Task Read_EndsAnywhereTooEarly_IsAnError()
    {
        var input = Encoding.UTF8.GetBytes(Small);
        for (var length = 0; length < input.Length; length++)
        {
            await Assert.ThrowsAsync<DumpException>(() => ReadAsync(input[..length]));
        }
    }

    [Fact]
    public async Task Read_SmallBuffer_GrowsToTheRecord()
    {
        var input = Encoding.UTF8.GetBytes($$"""{"workloads":[{"uid":"{{new string('u', 100_000)}}"},{"uid":"v"}]}""");

        var dump = await ReadAsync(input);

        Assert.Equal([100_000, 1], dump.Workloads.Select(workload => workload.Uid.Length));
    }

    [Theory]
    [InlineData("""{"workloads":[{"uid":"a"},{"uid":"{0}"}]}""", "more than 4096 bytes in one piece, workloads[1]")]
    [InlineData("""{"config":"{0}","workloads":[]}""", "more than 4096 bytes in one piece")]
    public async Task Read_PieceTooLong_IsAnError(string dump, string error)
    {
        var input = Encoding.UTF8.GetBytes(dump.Replace("{0}", new string('x', 5000), StringComparison.Ordinal));

        var thrown = await Assert.ThrowsAsync<DumpException>(() => ReadAsync(input, new DumpLimits(1 << 20, 4096)));

        Assert.Equal(error, thrown.Message);
    }

    [Fact]
    public async Task Read_EndlessDump_EndsAtTheLimit()
    {
        var pipe = new Pipe();
        var writing = WriteEndlesslyAsync(pipe.Writer);

        var thrown = await Assert.ThrowsAsync<DumpException>(
            () => new DumpReader(pipe.Reader.AsStream(), All, TimeProvider.System, new DumpLimits(1 << 20, 4096)).ReadAsync(Token));
        await pipe.Reader.CompleteAsync();
        await writing;

        Assert.Equal("more than 1048576 bytes", thrown.Message);
    }

    [Fact]
    public async Task Read_NothingComes_EndsAfterTenSeconds()
    {
        var time = new ManualTime();
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync("{\"workloads\":["u8.ToArray(), Token);
        var reading = new DumpReader(pipe.Reader.AsStream(), All, time, DumpLimits.Default).ReadAsync(Token);

        time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(reading.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(
            "nothing came for 10 s, after 14 bytes",
            (await Assert.ThrowsAsync<DumpException>(() => reading)).Message);
    }

    private static async Task<DumpContents> ReadAsync(byte[] input, DumpLimits? limits = null)
    {
        using var stream = new MemoryStream(input);
        return await new DumpReader(stream, All, TimeProvider.System, limits ?? DumpLimits.Default).ReadAsync(Token);
    }

    private static async Task WriteEndlesslyAsync(PipeWriter writer)
    {
        await writer.WriteAsync("{\"workloads\":["u8.ToArray(), Token);
        while (!(await writer.WriteAsync("{\"uid\":\"u\"},"u8.ToArray(), Token)).IsCompleted)
        {
        }
    }
}
