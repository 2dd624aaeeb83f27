namespace Ztunnel.Config;

/// <summary>A setting that stops the start: where it came from, what is wrong, what was expected.</summary>
/// <param name="setting">Variable name, or file and key.</param>
/// <param name="problem">Follows the name in the message. Never a token or a key.</param>
/// <param name="innerException">The cause where a file could not be read or parsed.</param>
internal sealed class ConfigurationException(string setting, string problem, Exception? innerException = null)
    : Exception($"{setting}: {problem}", innerException)
{
    /// <summary>What the operator has to change.</summary>
    public string Setting { get; } = setting;
}
