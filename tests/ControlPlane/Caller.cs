namespace ControlPlane;

/// <summary>A service account that a token was issued to.</summary>
internal readonly record struct Caller(string Namespace, string ServiceAccount);
