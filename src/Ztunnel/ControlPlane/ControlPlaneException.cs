namespace Ztunnel.ControlPlane;

/// <summary>A control plane server cannot even be called: roots, token or address are not usable.</summary>
internal sealed class ControlPlaneException(string message, Exception? inner = null) : Exception(message, inner);
