namespace Ztunnel.Demo;

/// <summary>A program that was needed did not start, did not end in time or failed.</summary>
internal sealed class CommandException(string message, Exception? innerException = null)
    : Exception(message, innerException);
