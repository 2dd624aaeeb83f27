namespace Ztunnel.Cli;

/// <summary>Arguments that a command cannot work with.</summary>
/// <param name="message">Names the argument and says what was expected.</param>
internal sealed class UsageException(string message) : Exception(message);
