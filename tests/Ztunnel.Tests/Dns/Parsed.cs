using System.Buffers.Binary;
using System.Net;
using System.Text;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Tests.Dns;

/// <summary>A message taken apart, plainly: it fails on anything that is not exact.</summary>
internal sealed class Parsed
{
    private readonly byte[] _octets;
    private int _position = 12;

    public Parsed(byte[] octets)
    {
        _octets = octets;
        Assert.True(octets.Length >= 12, "shorter than a header");
        Question = Word(4) == 0 ? "" : $"{ReadName()} {ReadWord()} {ReadWord()}";
        Answers = [.. Enumerable.Range(0, Word(6)).Select(_ => ReadRecord())];
        Authorities = [.. Enumerable.Range(0, Word(8)).Select(_ => ReadRecord())];
        Additionals = [.. Enumerable.Range(0, Word(10)).Select(_ => ReadRecord())];
        Assert.Equal(octets.Length, _position);
    }

    public int Id => Word(0);

    public int Flags => Word(2);

    public int Code => Flags & 0xf;

    public bool IsTruncated => (Flags & 0x200) != 0;

    public bool IsAuthoritative => (Flags & 0x400) != 0;

    public bool IsRecursive => (Flags & 0x80) != 0;

    /// <summary><c>name type class</c>.</summary>
    public string Question { get; }

    /// <summary><c>name ttl type data</c>; OPT is <c>OPT size ttl</c>.</summary>
    public string[] Answers { get; }

    public string[] Authorities { get; }

    public string[] Additionals { get; }

    private ushort Word(int at) => BinaryPrimitives.ReadUInt16BigEndian(_octets.AsSpan(at));

    private ushort ReadWord()
    {
        _position += 2;
        return Word(_position - 2);
    }

    private string ReadRecord()
    {
        var name = ReadName();
        var (type, recordClass) = (ReadWord(), ReadWord());
        var timeToLive = ((uint)ReadWord() << 16) | ReadWord();
        var length = ReadWord();
        var end = _position + length;
        var data = type switch
        {
            DnsType.A or DnsType.Aaaa => new IPAddress(_octets[_position..end]).ToString(),
            DnsType.Cname => ReadName(),
            _ => Convert.ToHexString(_octets[_position..end]),
        };
        _position = end;
        return type == DnsType.Opt
            ? $"OPT {recordClass} {timeToLive:x8}"
            : $"{name} {timeToLive} {type switch { DnsType.A => "A", DnsType.Aaaa => "AAAA", DnsType.Cname => "CNAME", _ => type }} {data}";
    }

    private string ReadName()
    {
        var text = new StringBuilder();
        var (at, back) = (_position, -1);
        while (_octets[at] != 0)
        {
            if (_octets[at] >= 0xc0)
            {
                back = back < 0 ? at + 2 : back;
                at = Word(at) & 0x3fff;
                continue;
            }

            text.Append(Encoding.ASCII.GetString(_octets, at + 1, _octets[at])).Append('.');
            at += 1 + _octets[at];
        }

        _position = back < 0 ? at + 1 : back;
        return text.Length == 0 ? "." : text.ToString(0, text.Length - 1);
    }
}
