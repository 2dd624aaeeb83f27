using System.Buffers;
using System.Buffers.Binary;
using Hbone.Http2.Hpack;

namespace Hbone.Fuzz.Targets;

/// <summary>Header blocks of one connection, RFC 7541: each has two octets of length before it.</summary>
internal sealed class HpackTarget : IFuzzTarget
{
    private const int MaxHeaderListSize = 16_384;

    public string Name => "hpack";

    public Mutator Mutator { get; } = new(
        Corpus.Blocks("header-blocks"),
        (input, at) => input.Length - at < 2 ? 0 : 2 + BinaryPrimitives.ReadUInt16BigEndian(input[at..]),
        firstRecord: 0);

    public void Run(byte[] input)
    {
        var decoder = new HpackDecoder(DynamicTable.DefaultMaxSize, MaxHeaderListSize);
        var (encoder, mirror) = (new HpackEncoder(), new HpackDecoder(DynamicTable.DefaultMaxSize, MaxHeaderListSize));
        var fields = new List<HeaderField>();
        var rest = input.AsSpan();
        while (rest.Length >= sizeof(ushort))
        {
            var length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(rest), rest.Length - sizeof(ushort));
            var block = rest.Slice(sizeof(ushort), length);
            rest = rest[(sizeof(ushort) + length)..];
            fields.Clear();
            try
            {
                decoder.Decode(block, fields);
            }
            catch (HpackException)
            {
                return; // the connection ends
            }

            Check(fields, encoder, mirror);
        }
    }

    // What was decoded keeps to the limit, and our own encoder says the same of it.
    private static void Check(List<HeaderField> fields, HpackEncoder encoder, HpackDecoder mirror)
    {
        if (fields.Sum(field => (long)field.Size) > MaxHeaderListSize)
        {
            throw new FuzzFailure("more was handed out than the list may hold");
        }

        var output = new ArrayBufferWriter<byte>();
        encoder.Encode([.. fields], output);
        var again = new List<HeaderField>();
        mirror.Decode(output.WrittenSpan, again);
        if (!fields.SequenceEqual(again))
        {
            throw new FuzzFailure("fields change when they are encoded and decoded");
        }
    }
}
