using System.Buffers;
using System.Globalization;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Http2;

/// <summary>
/// A request that a client opened a stream with: CONNECT as RFC 9113 section 8.5 has it, or anything else, which HBONE
/// answers with a status. Answer it once, with <see cref="Accept"/> or <see cref="Refuse"/>.
/// </summary>
public sealed class ConnectRequest
{
    private static readonly SearchValues<char> NeverInAuthority = SearchValues.Create(" /?#\\\"<>^`{|}%");

    private readonly Http2Connection _connection;

    internal ConnectRequest(
        Http2Connection connection, Http2Stream stream, string method, string authority, IReadOnlyList<HeaderField> headers)
    {
        _connection = connection;
        Stream = stream;
        Method = method;
        Authority = authority;
        Headers = headers;
    }

    /// <summary>The tunnel's bytes, once accepted.</summary>
    public Http2Stream Stream { get; }

    /// <summary><c>:method</c></summary>
    public string Method { get; }

    /// <summary><c>:authority</c>, not empty for CONNECT; its host and port are not parsed here.</summary>
    public string Authority { get; }

    /// <summary>Headers in wire order, without pseudo headers.</summary>
    public IReadOnlyList<HeaderField> Headers { get; }

    /// <summary>SPIFFE IDs of the caller's certificate, in order.</summary>
    public IReadOnlyList<SpiffeId> PeerIds => _connection.PeerIds;

    /// <summary>First value of a header; null when it is absent.</summary>
    /// <param name="name">In lower case.</param>
    public string? Header(string name)
    {
        foreach (var field in Headers)
        {
            if (field.Name == name)
            {
                return field.Value;
            }
        }

        return null;
    }

    /// <summary>Answers 200 without END_STREAM: the tunnel is open.</summary>
    public void Accept(params ReadOnlySpan<HeaderField> headers) =>
        _connection.Answer(Stream, [new HeaderField(":status", "200"), .. headers], endStream: false);

    /// <summary>
    /// Answers with a status and END_STREAM; a client that has not ended its side is told by RST_STREAM NO_ERROR to send
    /// no more (RFC 9113 section 8.1).
    /// </summary>
    public void Refuse(int status) =>
        _connection.Answer(
            Stream,
            [new HeaderField(":status", status.ToString(CultureInfo.InvariantCulture))],
            endStream: true);

    /// <summary>Reads and checks a request's header list, RFC 9113 sections 8.2, 8.3 and 8.5.</summary>
    /// <returns>Null when the request is malformed.</returns>
    internal static (string Method, string Authority, IReadOnlyList<HeaderField> Headers)? Parse(List<HeaderField> fields)
    {
        string? method = null;
        string? authority = null;
        string? scheme = null;
        string? path = null;
        var pseudo = 0;
        foreach (var (name, value, _) in fields)
        {
            if (!name.StartsWith(':'))
            {
                break;
            }

            pseudo++;
            switch (name)
            {
                case ":method" when method is null:
                    method = value;
                    break;
                case ":authority" when authority is null:
                    authority = value;
                    break;
                case ":scheme" when scheme is null:
                    scheme = value;
                    break;
                case ":path" when path is null:
                    path = value;
                    break;
                default:
                    return null;
            }

            if (!HeaderRules.IsLegalValue(value))
            {
                return null;
            }
        }

        var headers = fields[pseudo..];
        if (string.IsNullOrEmpty(method) || !headers.TrueForAll(HeaderRules.IsLegal))
        {
            return null;
        }

        var isComplete = method == "CONNECT"
            ? scheme is null && path is null && IsAuthority(authority)
            : !string.IsNullOrEmpty(scheme) && !string.IsNullOrEmpty(path); // section 8.3.1
        return isComplete ? (method, authority ?? "", headers) : null;
    }

    // What no URI parser takes for an authority (RFC 3986 section 3.2). Whether host and port make sense is asked later.
    private static bool IsAuthority(string? authority) =>
        !string.IsNullOrEmpty(authority)
        && !authority.AsSpan().ContainsAny(NeverInAuthority)
        && !authority.AsSpan().ContainsAnyExceptInRange('!', '~')
        && authority.Contains('[', StringComparison.Ordinal) == authority.Contains(']', StringComparison.Ordinal);
}
