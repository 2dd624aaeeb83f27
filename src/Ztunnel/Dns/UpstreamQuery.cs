using System.Buffers.Binary;
using System.Security.Cryptography;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>A client's query on its way to name servers: the same octets, under an id of our own that nobody can guess.</summary>
internal sealed class UpstreamQuery
{
    private readonly byte[] _octets;
    private readonly DnsMessage _read;
    private readonly ushort _id;

    /// <param name="octets">The client's query; copied.</param>
    /// <param name="read">What was read of it.</param>
    /// <param name="limit">Octets of the answer that the client can take.</param>
    public UpstreamQuery(ReadOnlySpan<byte> octets, in DnsMessage read, int limit)
    {
        _octets = octets[..read.Length].ToArray();
        _read = read;
        _id = (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
        Limit = limit;
        BinaryPrimitives.WriteUInt16BigEndian(_octets, _id);
    }

    /// <summary>Octets of the answer that the client can take.</summary>
    public int Limit { get; }

    /// <summary>What is sent.</summary>
    public ReadOnlyMemory<byte> Octets => _octets;

    /// <summary>
    /// Whether a message answers this: our id, our opcode, our question (RFC 5452 §9.1). Errors, and answers to others
    /// than queries, may come without a question.
    /// </summary>
    public bool IsAnsweredBy(ReadOnlySpan<byte> octets)
    {
        if (!DnsHeader.TryRead(octets, out var header)
            || !header.IsResponse
            || header.Id != _id
            || header.Opcode != _read.Header.Opcode)
        {
            return false;
        }

        if (header.Questions == 0)
        {
            return header.Code != DnsCode.NoError || header.Opcode != DnsOpcode.Query;
        }

        var end = _read.QuestionEnd;
        return header.Questions == _read.Header.Questions
            && octets.Length >= end
            && DnsName.AreEqual(
                octets.Slice(DnsHeader.Length, _read.NameLength), _read.NameIn(_octets))
            && octets[(DnsHeader.Length + _read.NameLength)..end].SequenceEqual(
                _octets.AsSpan((DnsHeader.Length + _read.NameLength)..end));
    }
}
