namespace Ztunnel.Control;

/// <summary>A request to the control plane cannot be made. The message is for an operator and holds no secrets.</summary>
internal sealed class ControlPlaneException(string message, Exception? innerException = null)
    : Exception(message, innerException);
