namespace Ztunnel.Cni;

/// <summary>A proxy did not do what it was asked to, or there is none. Messages are those of Istio's CNI agent.</summary>
internal sealed class CniException : Exception
{
    private CniException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>Nobody is connected.</summary>
    public static CniException NoConnection() => new("no ztunnel connection");

    /// <summary>The proxy refused.</summary>
    /// <param name="error">What it said.</param>
    public static CniException Refused(string error) => new($"got ack error: {error}");

    /// <summary>No answer in time, or one that cannot be read.</summary>
    public static CniException TimedOut() => new("timed out waiting for valid ztunnel response");

    /// <summary>The proxy went away before it was its turn.</summary>
    public static CniException ClosedBeforeSent() => new("connection closed before request sent");

    /// <summary>The proxy went away instead of answering.</summary>
    public static CniException ClosedBeforeResponse(Exception? cause = null) =>
        new("connection closed before response received" + (cause is null ? "" : $": {cause.Message}"), cause);

    /// <summary>The pod was deleted, or got another namespace, while the request waited.</summary>
    public static CniException NamespaceGone() => new("the pod's network namespace was closed before the request was sent");

    /// <summary>The proxy broke the protocol.</summary>
    public static CniException Protocol(string problem) => new(problem);

    /// <summary>Several proxies failed.</summary>
    public static CniException Joined(IReadOnlyList<CniException> failures) =>
        failures is [var only] ? only : new(string.Join("; ", failures.Select(failure => failure.Message)));
}
