using Grpc.Core;

namespace Ztunnel.Xds;

/// <summary>Reads the end of a stream out of its status.</summary>
internal static class StreamFailure
{
    /// <summary>Longest message that is read, in bytes; the stream ends at a longer one. Control-plane 2.1.</summary>
    public const int MaxReceivedBytes = 200 * 1024 * 1024;

    private const int MaxLength = 1024;

    /// <param name="failure">As thrown by the gRPC client.</param>
    /// <param name="wasOpen">Whether a response had arrived.</param>
    public static StreamEnd EndOf(RpcException failure, bool wasOpen)
    {
        if (!wasOpen)
        {
            return StreamEnd.ConnectionError;
        }

        // The connection broke without a status of the server: GOAWAY, reset or a missed ping.
        if (failure.Status.DebugException is HttpRequestException or IOException)
        {
            return StreamEnd.Reconnect;
        }

        return failure.StatusCode switch
        {
            StatusCode.Unknown or StatusCode.Cancelled or StatusCode.DeadlineExceeded => StreamEnd.Reconnect,
            StatusCode.Unavailable when IsGoodbye(failure.Status.Detail) => StreamEnd.Reconnect,
            _ => StreamEnd.Error,
        };
    }

    /// <summary>
    /// Whether the first request was more than the server reads; grpc-go words it <c>received message larger than max</c>.
    /// </summary>
    public static bool IsRequestTooLarge(RpcException failure) =>
        failure.StatusCode == StatusCode.ResourceExhausted
        && failure.Status.Detail.Contains("larger than max", StringComparison.OrdinalIgnoreCase);

    /// <summary>For the log.</summary>
    public static string Describe(Exception failure) => Shorten(
        failure is RpcException rpc
            ? $"{rpc.StatusCode}: {rpc.Status.Detail}{(IsResponseTooLarge(rpc) ? LimitText : "")}"
            : failure.Message);

    /// <summary>One line of bounded length, whatever the server said.</summary>
    public static string Shorten(string text)
    {
        text = text.Length > MaxLength ? $"{text.AsSpan(0, MaxLength)}..." : text;
        return string.Create(text.Length, text, static (line, source) =>
        {
            for (var i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
    }

    private static string LimitText => $" (limit: {MaxReceivedBytes / 1024 / 1024} MiB)";

    // As the gRPC client words it, which does not say what its limit is.
    private static bool IsResponseTooLarge(RpcException failure) =>
        failure.StatusCode == StatusCode.ResourceExhausted
        && failure.Status.Detail.StartsWith("Received message exceeds", StringComparison.Ordinal);

    private static bool IsGoodbye(string detail) =>
        detail.Contains("transport is closing", StringComparison.OrdinalIgnoreCase)
        || detail.Contains("received prior goaway", StringComparison.OrdinalIgnoreCase);
}
