using System.Diagnostics;

namespace Redirection.Tests.Support;

/// <summary>Runs a program of the machine to its end.</summary>
internal static class Command
{
    /// <summary>Output of the program; the test fails with its error output when it fails.</summary>
    public static string Run(string program, string arguments, string input = "")
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {arguments}: {errors.GetAwaiter().GetResult()}");
        return output;
    }
}
