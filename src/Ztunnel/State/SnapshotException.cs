namespace Ztunnel.State;

/// <summary>A snapshot cannot be used. The message says why, for an operator, and is free of its content.</summary>
internal sealed class SnapshotException(string message, Exception? innerException = null)
    : Exception(message, innerException);
