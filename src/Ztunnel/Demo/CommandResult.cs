namespace Ztunnel.Demo;

/// <summary>What a finished program said.</summary>
internal sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>This result, if the exit code is 0.</summary>
    /// <exception cref="CommandException">It is not.</exception>
    public CommandResult Succeeded() =>
        ExitCode == 0
            ? this
            : throw new CommandException($"'{Command}' ended with {ExitCode}: {Error.Trim()} {Output.Trim()}");
}
