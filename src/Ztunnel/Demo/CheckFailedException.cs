namespace Ztunnel.Demo;

/// <summary>A check of the demo saw something else than it should; the message says what.</summary>
internal sealed class CheckFailedException(string message) : Exception(message);
