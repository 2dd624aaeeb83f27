using Ztunnel.Demo;

namespace Node.Tests.Demo;

/// <summary><c>ztunnel demo</c> as a user runs it.</summary>
public sealed class DemoTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Demo_PassesEveryCheckAndLeavesNothing()
    {
        await using var demo = await ChildProcess.StartAsync(new ProcessSpec(ProxyBinary.Path, "demo"));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromMinutes(4));

        var exitCode = await demo.WaitForExitAsync(deadline.Token);

        Assert.True(exitCode == 0, $"exit code {exitCode}\n{demo.Output}\n{demo.Error}");
        Assert.Matches(@"^demo: [1-9]\d+ passed, 0 failed$", demo.Output.Since(0)[^1]);
        Assert.Empty(NamespacesOf(demo.Id));
    }

    [Fact]
    public async Task Demo_StoppedInTheMiddle_LeavesNothing()
    {
        await using var demo = await ChildProcess.StartAsync(new ProcessSpec(ProxyBinary.Path, "demo"));
        await demo.WaitUntilAsync(
            () => demo.Output.Since(0).Any(line => line.StartsWith("ok ", StringComparison.Ordinal)),
            "passed a check",
            TimeSpan.FromMinutes(1),
            Token);
        Assert.NotEmpty(NamespacesOf(demo.Id));

        await demo.SignalAsync("INT");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Token);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        var exitCode = await demo.WaitForExitAsync(deadline.Token);

        Assert.Equal(130, exitCode);
        Assert.Empty(NamespacesOf(demo.Id));
    }

    private static IEnumerable<string> NamespacesOf(int processId) =>
        Directory.EnumerateFiles("/run/netns", FormattableString.Invariant($"zt{processId:x}-*"));
}
