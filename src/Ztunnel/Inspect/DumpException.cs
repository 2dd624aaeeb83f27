namespace Ztunnel.Inspect;

/// <summary>A config dump that cannot be had or read.</summary>
/// <param name="message">One line that names the place in the dump and says what was expected there.</param>
internal sealed class DumpException(string message) : Exception(message);
