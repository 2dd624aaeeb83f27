using Redirection.Rules;
using Redirection.Tests.Support;

namespace Redirection.Tests.Rules;

public sealed class ToolTests : IDisposable
{
    private readonly Netns _own;

    public ToolTests()
    {
        Root.Require();
        _own = Netns.OpenCurrent();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _own.Dispose();

    [Fact]
    public async Task RunAsync_Input_GoesThroughTheProgram() => Assert.Equal(
        "one\ntwo\n", await new Tool(_own).RunAsync("cat", [], "one\ntwo\n", [], Token));

    [Fact]
    public async Task RunAsync_MissingProgram_IsNamedAndNeverTolerated()
    {
        var exception = await Assert.ThrowsAsync<ToolException>(
            () => new Tool(_own).RunAsync("no-such-tool", [], "", RoutingCommands.DoneAlready, Token));

        Assert.StartsWith("no-such-tool is not installed", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ProgramFails_GivesItsErrorOutput()
    {
        var exception = await Assert.ThrowsAsync<ToolException>(
            () => new Tool(_own).RunAsync("nft", ["-f", "-"], "nonsense", [], Token));

        Assert.StartsWith("nft -f - failed in network namespace ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("syntax error", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_InputNobodyReads_IsNoErrorOfItsOwn() => Assert.Equal(
        "", await new Tool(_own).RunAsync("true", [], new string('x', 1_000_000), [], Token));

    [Fact]
    public async Task RunAsync_Cancelled_EndsTheProgram()
    {
        using var caller = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new Tool(_own).RunAsync("sleep", ["60"], "", [], caller.Token));
    }
}
