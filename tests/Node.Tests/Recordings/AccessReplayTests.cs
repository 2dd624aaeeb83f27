using System.Globalization;

namespace Node.Tests.Recordings;

/// <summary>
/// Our proxies in the recorded situations: the client sees the same and the logs say the same, key by key and in the
/// same order (data-path 11). In the logs nothing but time stamp, client port and duration may differ.
/// </summary>
public abstract class AccessReplayTests(AccessReplay replay)
{
    public static TheoryData<string> Situations { get; } =
        [.. RecordedSituation.All("plain").Select(situation => situation.Name)];

    [Theory]
    [MemberData(nameof(Situations))]
    public void Client_SeesTheSame(string situation)
    {
        var (recorded, replayed) = (replay.Recorded[situation], replay.Replayed[situation]);

        Assert.Equal(Ending(recorded.Client), Ending(replayed.Client));
    }

    [Theory]
    [MemberData(nameof(Situations))]
    public void SourceProxy_LogsTheSame(string situation)
    {
        var (recorded, replayed) = (replay.Recorded[situation], replay.Replayed[situation]);

        AssertSame(recorded.SourceLog, replayed.SourceLog);
        var port = replayed.ClientPort.ToString(CultureInfo.InvariantCulture);
        Assert.All(replayed.SourceLog, line => Assert.Equal(port, AccessLines.SourcePortOf(line)));
    }

    [Theory]
    [MemberData(nameof(Situations))]
    public void DestinationProxy_LogsTheSame(string situation) =>
        AssertSame(replay.Recorded[situation].DestinationLog, replay.Replayed[situation].DestinationLog);

    [Fact]
    public void NoSituation_LogsMore()
    {
        Assert.Equal(replay.Recorded.Values.Sum(recorded => recorded.SourceLog.Count), replay.AllLines.A.Length);
        Assert.Equal(replay.Recorded.Values.Sum(recorded => recorded.DestinationLog.Count), replay.AllLines.B.Length);
    }

    private static void AssertSame(IReadOnlyList<string> recorded, IReadOnlyList<string> replayed) =>
        Assert.Equal(recorded.Select(AccessLines.Mask), replayed.Select(AccessLines.Mask));

    // A refused connection ends with RST if the client's bytes had arrived by then and with FIN if not (data-path 2.1):
    // the recorded client, too, saw one or the other for the same refusal.
    private static string Ending(string client) => client == "got b''" ? AccessReplay.Reset : client;
}
