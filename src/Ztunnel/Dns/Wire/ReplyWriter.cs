using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Dns.Wire;

/// <summary>Writes answers of our own and fits those of upstreams. Static: an answer depends on its query only.</summary>
internal static class ReplyWriter
{
    /// <summary>Seconds that every record of ours may be kept.</summary>
    public const uint TimeToLive = 30;

    private const int FixedRecordLength = 12; // a pointer, TYPE, CLASS, TTL, RDLENGTH
    private const int MaxPointer = 0x3fff;

    // What of the query's flags an answer repeats.
    private const ushort RepeatedFlags =
        DnsFlags.OpcodeMask | DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled;

    /// <summary>An answer without records.</summary>
    public static void WriteCode(DnsReply reply, ReadOnlySpan<byte> octets, in DnsMessage query, DnsCode code) =>
        Write(reply, octets, query, code, isAuthoritative: false, default, int.MaxValue);

    /// <summary>An answer with addresses; those that do not fit are left out whole, and TC says so.</summary>
    /// <param name="reply">Where to.</param>
    /// <param name="octets">The query.</param>
    /// <param name="query">What was read of it.</param>
    /// <param name="code">Response code.</param>
    /// <param name="isAuthoritative">Whether the name is one of the mesh's.</param>
    /// <param name="answer">Names and addresses.</param>
    /// <param name="limit">Octets that the client can take, at least 512.</param>
    public static void Write(
        DnsReply reply,
        ReadOnlySpan<byte> octets,
        in DnsMessage query,
        DnsCode code,
        bool isAuthoritative,
        in AddressAnswer answer,
        int limit)
    {
        var addresses = answer.Addresses ?? [];
        var longest = query.QuestionEnd + Edns.RecordLength + (2 * (FixedRecordLength + DnsName.MaxLength))
            + (addresses.Length * (FixedRecordLength + 16));
        var message = reply.Begin(Math.Min(longest, Math.Min(limit, DnsMessage.MaxLength)));
        query.QuestionIn(octets).CopyTo(message[DnsHeader.Length..]);
        var optionLength = query.Edns is null ? 0 : Edns.RecordLength;
        var records = new RecordWriter(message[..^optionLength], query.QuestionEnd, query.NameIn(octets));
        var isComplete = records.TryWriteAll(answer, addresses);
        var end = records.Position;
        if (query.Edns is { } edns)
        {
            edns.WriteAnswer(message[end..], code);
            end += Edns.RecordLength;
        }

        var flags = DnsFlags.Response | DnsFlags.RecursionAvailable | (query.Header.Flags & RepeatedFlags)
            | (isAuthoritative ? DnsFlags.Authoritative : 0) | (isComplete ? 0 : DnsFlags.Truncated) | ((int)code & 0xf);
        new DnsHeader(
            query.Header.Id,
            (ushort)flags,
            Questions: (ushort)(query.NameLength == 0 ? 0 : 1),
            Answers: (ushort)records.Count,
            Authorities: 0,
            Additionals: (ushort)(query.Edns is null ? 0 : 1)).WriteTo(message);
        reply.CutTo(end);
    }

    /// <summary>
    /// Makes an upstream's answer one to the client's query: its id, its spelling of the question, its RD; never
    /// authoritative, recursion available. One that is longer than the client can take becomes a truncated one without
    /// records.
    /// </summary>
    /// <param name="reply">The upstream's answer to this question.</param>
    /// <param name="octets">The client's query.</param>
    /// <param name="query">What was read of it.</param>
    /// <param name="limit">Octets that the client can take, at least 512.</param>
    public static void Adopt(DnsReply reply, ReadOnlySpan<byte> octets, in DnsMessage query, int limit)
    {
        _ = DnsHeader.TryRead(reply.Span, out var header);
        if (header.Questions != query.Header.Questions)
        {
            // Some servers send nothing but the header of an error.
            WriteCode(reply, octets, query, header.Code);
            return;
        }

        if (reply.Length > limit)
        {
            WriteCode(reply, octets, query, header.Code);
            reply.Span[2] |= DnsFlags.Truncated >> 8;
            return;
        }

        const ushort Ours = DnsFlags.Authoritative | DnsFlags.RecursionDesired | DnsFlags.RecursionAvailable;
        var flags = (header.Flags & ~Ours) | DnsFlags.RecursionAvailable
            | (query.Header.Flags & DnsFlags.RecursionDesired);
        (header with { Id = query.Header.Id, Flags = (ushort)flags }).WriteTo(reply.Span);
        query.QuestionIn(octets).CopyTo(reply.Span[DnsHeader.Length..]);
    }

    /// <summary>Appends records as long as there is room.</summary>
    private ref struct RecordWriter(Span<byte> message, int position, ReadOnlySpan<byte> question)
    {
        private readonly Span<byte> _message = message;
        private readonly ReadOnlySpan<byte> _question = question;

        public int Position { get; private set; } = position;

        public int Count { get; private set; }

        public bool TryWriteAll(in AddressAnswer answer, IPAddress[] addresses)
        {
            if (addresses.Length == 0)
            {
                return true;
            }

            // Names are compared as the question spells them, and answered in lower case.
            var owner = IsLowerCase(_question) ? DnsHeader.Length : 0;
            if (answer.Alias is { } alias && !TryWriteAlias(answer.Name, alias, ref owner))
            {
                return false;
            }

            foreach (var address in addresses)
            {
                if (!TryWriteAddress(answer.Alias ?? answer.Name, address, ref owner))
                {
                    return false;
                }
            }

            return true;
        }

        private bool TryWriteAlias(string name, string alias, ref int owner)
        {
            var length = DnsName.LengthOf(alias);
            if (!TryBegin(name, ref owner, DnsType.Cname, length, out var data))
            {
                return false;
            }

            DnsName.Write(alias, data);
            owner = Position - length;
            return true;
        }

        private bool TryWriteAddress(string name, IPAddress address, ref int owner)
        {
            var isIpv4 = address.AddressFamily == AddressFamily.InterNetwork;
            return TryBegin(name, ref owner, isIpv4 ? DnsType.A : DnsType.Aaaa, isIpv4 ? 4 : 16, out var data)
                && address.TryWriteBytes(data, out _);
        }

        /// <summary>Everything before the data. The owner is written where it is not in the message yet.</summary>
        private bool TryBegin(string name, ref int owner, ushort type, int dataLength, out Span<byte> data)
        {
            var isPointer = owner is > 0 and <= MaxPointer;
            var ownerLength = isPointer ? 2 : DnsName.LengthOf(name);
            var fixedLength = ownerLength + FixedRecordLength - 2;
            data = default;
            if (Position + fixedLength + dataLength > _message.Length)
            {
                return false;
            }

            var record = _message.Slice(Position, fixedLength + dataLength);
            if (isPointer)
            {
                BinaryPrimitives.WriteUInt16BigEndian(record, (ushort)(0xc000 | owner));
            }
            else
            {
                DnsName.Write(name, record);
                owner = Position;
            }

            BinaryPrimitives.WriteUInt16BigEndian(record[ownerLength..], type);
            BinaryPrimitives.WriteUInt16BigEndian(record[(ownerLength + 2)..], DnsType.Internet);
            BinaryPrimitives.WriteUInt32BigEndian(record[(ownerLength + 4)..], TimeToLive);
            BinaryPrimitives.WriteUInt16BigEndian(record[(ownerLength + 8)..], (ushort)dataLength);
            data = record[fixedLength..];
            Position += record.Length;
            Count++;
            return true;
        }

        private static bool IsLowerCase(ReadOnlySpan<byte> name) => !name.ContainsAnyInRange((byte)'A', (byte)'Z');
    }
}

/// <summary>Addresses for a name.</summary>
/// <param name="Name">The name that was asked for, lower case.</param>
/// <param name="Alias">The name that the addresses belong to, when it is another: a CNAME leads there.</param>
/// <param name="Addresses">All of one family; null for none.</param>
internal readonly record struct AddressAnswer(string Name, string? Alias, IPAddress[]? Addresses);
