namespace ControlPlane;

/// <summary>The command line or a file that it names is not understood.</summary>
internal sealed class OptionException(string message) : Exception(message);
