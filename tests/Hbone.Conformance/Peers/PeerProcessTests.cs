namespace Hbone.Conformance.Peers;

public sealed class PeerProcessTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Start_NoSuchProgram_NamesWhatBringsIt()
    {
        var error = Assert.Throws<InvalidOperationException>(
            () => PeerProcess.Start(new PeerProgram("/no/such/program", "the package it-is-in"), []));

        Assert.Contains("it-is-in", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Report_ProcessEnded_CarriesWhatItSaid()
    {
        await using var process = PeerProcess.Start(new PeerProgram("sh", "dash"), ["-c", "echo out of order >&2"]);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => process.ReadReportAsync(Token));

        Assert.Contains("out of order", error.Message, StringComparison.Ordinal);
    }
}
