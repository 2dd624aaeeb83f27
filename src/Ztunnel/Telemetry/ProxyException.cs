namespace Ztunnel.Telemetry;

/// <summary>
/// A connection that could not be proxied. <see cref="Exception.Message"/> is the access log's <c>error</c>, word for word.
/// </summary>
internal sealed class ProxyException(ConnectionFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The flag that goes with it.</summary>
    public ConnectionFailure Failure { get; } = failure;
}
