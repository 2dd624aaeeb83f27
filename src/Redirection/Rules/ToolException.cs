namespace Redirection.Rules;

/// <summary>A program that the redirection is set up with could not be started or reported failure.</summary>
/// <param name="message">Names the program and says what it printed.</param>
/// <param name="innerException">Why it could not be started, if so.</param>
public sealed class ToolException(string message, Exception? innerException = null)
    : Exception(message, innerException);
