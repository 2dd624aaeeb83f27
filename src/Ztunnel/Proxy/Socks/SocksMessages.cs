using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Ztunnel.Proxy.Socks;

/// <summary>
/// The two messages of a client and the answers to them (RFC 1928). Messages are read from their beginning as far as they
/// have come, and never beyond their end: what follows the request is the application's.
/// </summary>
/// <remarks>
/// <code>
/// greeting   VER | NMETHODS | METHODS (1-255)             answer  VER | METHOD
/// request    VER | CMD | RSV | ATYP | DST.ADDR | DST.PORT  answer  VER | REP | RSV | ATYP | BND.ADDR | BND.PORT
/// </code>
/// </remarks>
internal static class SocksMessages
{
    /// <summary>Octets of the longest message: a request for a name of 255 octets.</summary>
    public const int MaxLength = 262;

    private const byte Version = 5;
    private const byte NoAuthentication = 0;
    private const byte NoMethod = 0xff;
    private const byte Connect = 1;
    private const byte IPv4 = 1;
    private const byte Name = 3;
    private const byte IPv6 = 4;
    private const int RequestHeadLength = 4;
    private const int PortLength = 2;
    private const int MaxNameLength = 253; // as text: RFC 1035 section 2.3.4 counts the lengths of the labels too
    private const int MaxLabelLength = 63;

    /// <summary>The answer to a greeting that will do.</summary>
    public static ReadOnlyMemory<byte> Welcome { get; } = new byte[] { Version, NoAuthentication };

    /// <summary>The answer to one that will not.</summary>
    public static ReadOnlyMemory<byte> NoAcceptableMethod { get; } = new byte[] { Version, NoMethod };

    /// <summary>The answer to a request. We name no address of ours: it is in a namespace that says nothing to the client.</summary>
    public static byte[] Reply(SocksReplyCode code) => [Version, (byte)code, 0, IPv4, 0, 0, 0, 0, 0, 0];

    /// <summary>How many octets of the greeting are missing at least; 0 when it is complete and will do.</summary>
    /// <exception cref="SocksException">It is not one, or has no method that we know.</exception>
    public static int MissingOfGreeting(ReadOnlySpan<byte> greeting)
    {
        if (greeting is [not Version, ..])
        {
            throw new SocksException($"invalid version {greeting[0]}", SocksReplyCode.GeneralFailure);
        }

        if (greeting.Length < 2)
        {
            return 2 - greeting.Length;
        }

        var missing = 2 + greeting[1] - greeting.Length;
        return missing > 0 || greeting[2..].Contains(NoAuthentication)
            ? missing
            : throw new SocksException("no method without authentication is offered", SocksReplyCode.GeneralFailure);
    }

    /// <summary>How many octets of the request are missing at least; 0 when it is complete.</summary>
    /// <exception cref="SocksException">It is not one, or is for something that we do not do.</exception>
    public static int MissingOfRequest(ReadOnlySpan<byte> request)
    {
        if (request is [not Version, ..])
        {
            throw new SocksException($"invalid version {request[0]}", SocksReplyCode.GeneralFailure);
        }

        if (request is [_, not Connect, ..])
        {
            throw new SocksException($"unsupported command {request[1]}", SocksReplyCode.CommandNotSupported);
        }

        return request.Length < RequestHeadLength
            ? RequestHeadLength - request.Length
            : RequestHeadLength - request.Length + (request[3], request.Length) switch
            {
                (IPv4, _) => 4 + PortLength,
                (IPv6, _) => 16 + PortLength,
                (Name, RequestHeadLength) => 1,
                (Name, _) => 1 + request[RequestHeadLength] + PortLength,
                (var type, _) => throw new SocksException(
                    $"unsupported address type {type}", SocksReplyCode.AddressTypeNotSupported),
            };
    }

    /// <summary>Where a complete request wants to go.</summary>
    /// <exception cref="SocksException">Its name cannot be anybody's.</exception>
    public static SocksTarget TargetOf(ReadOnlySpan<byte> request)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(request[^PortLength..]);
        var address = request[RequestHeadLength..^PortLength];
        return request[3] == Name ? OfName(address[1..], port) : new SocksTarget(new IPAddress(address), null, port);
    }

    // Clients that do not look into what they were given send addresses as names.
    private static SocksTarget OfName(ReadOnlySpan<byte> octets, ushort port)
    {
        var text = Encoding.Latin1.GetString(octets).ToLowerInvariant();
        if (octets.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            throw new SocksException("name with octets that no hostname has", SocksReplyCode.HostUnreachable);
        }

        if (IPAddress.TryParse(text, out var address))
        {
            return new SocksTarget(address, null, port);
        }

        var name = text.EndsWith('.') ? text[..^1] : text;
        return name.Length is > 0 and <= MaxNameLength
            && Array.TrueForAll(name.Split('.'), static label => label.Length is > 0 and <= MaxLabelLength)
            ? new SocksTarget(null, name, port)
            : throw new SocksException($"invalid name '{name}'", SocksReplyCode.HostUnreachable);
    }
}
