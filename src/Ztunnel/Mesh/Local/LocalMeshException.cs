namespace Ztunnel.Mesh.Local;

/// <summary>
/// A local mesh file that cannot be used. The message is <c>file:line:column: key path: what was expected, what
/// came</c>.
/// </summary>
internal sealed class LocalMeshException(string message, Exception? innerException = null)
    : Exception(message, innerException);
