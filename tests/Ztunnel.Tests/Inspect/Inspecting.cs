using Ztunnel.Cli;

namespace Ztunnel.Tests.Inspect;

/// <summary>Runs the commands that show a config dump, as a user types them.</summary>
internal static class Inspecting
{
    /// <summary>When every certificate in the recordings was valid.</summary>
    private static readonly DateTimeOffset Recorded = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs one command line.</summary>
    public static Task<(int Status, string Output, string Error)> RunAsync(params string[] arguments) =>
        RunAsync(new FixedTime(Recorded), arguments);

    /// <summary>Runs one command line with another clock.</summary>
    public static async Task<(int Status, string Output, string Error)> RunAsync(TimeProvider time, params string[] arguments)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        var status = await InspectCommand.RunAsync(arguments, output, error, time, Token);
        return (status, output.ToString(), error.ToString());
    }

    /// <summary>Runs one that has to work; what it printed.</summary>
    public static async Task<string> ShowAsync(params string[] arguments)
    {
        var (status, output, error) = await RunAsync(arguments);

        Assert.Equal((0, ""), (status, error));
        return output;
    }

    /// <summary>Runs one over a dump that is this text; what it printed.</summary>
    public static async Task<string> ShowTextAsync(string dump, params string[] arguments) =>
        await OverTextAsync(dump, arguments) is (0, var output, "") ? output : throw new InvalidOperationException("failed");

    /// <summary>Runs one over a dump that is this text.</summary>
    public static async Task<(int Status, string Output, string Error)> OverTextAsync(string dump, params string[] arguments)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, dump, Token);
            var (status, output, error) = await RunAsync([.. arguments, "-f", path]);
            return (status, output, error.Replace(path, "FILE", StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
