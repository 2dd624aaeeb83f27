using System.Buffers.Binary;

namespace Hbone.Fuzz;

/// <summary>
/// Makes an input out of a corpus entry by one to eight small damages: of octets anywhere, and of whole
/// records, which are
/// frames or header blocks, so that what follows is still in step.
/// </summary>
internal sealed class Mutator(byte[][] corpus, Func<ReadOnlySpan<byte>, int, int> recordLength, int firstRecord)
{
    private const int MaxLength = 48 * 1024;
    private const int MaxDamages = 8;
    private const int MaxRecords = 256;
    private static readonly uint[] Interesting =
    [
        0, 1, 2, 3, 5, 8, 9, 100, 127, 128, 255, 16_383, 16_384, 65_535, 65_536,
        1 << 20, 1 << 24, int.MaxValue, 1u << 31, uint.MaxValue,
    ];

    private readonly byte[] _scratch = new byte[MaxLength];
    private readonly int[] _records = new int[MaxRecords + 1];

    /// <summary>Input of one number.</summary>
    public byte[] Next(ref SequenceRandom random)
    {
        var input = corpus[random.Next(corpus.Length)];
        for (var damages = 1 + random.Next(MaxDamages); damages > 0; damages--)
        {
            input = Damage(input, ref random);
        }

        return input;
    }

    private byte[] Damage(byte[] input, ref SequenceRandom random)
    {
        if (input.Length == 0)
        {
            return [(byte)random.NextBits()];
        }

        var at = random.Next(input.Length);
        var length = 1 + random.Next(Math.Min(input.Length - at, 1 << random.Next(10)));
        return random.Next(12) switch
        {
            0 => With(input, at, (byte)(input[at] ^ (1 << random.Next(8)))),
            1 => With(input, at, (byte)random.NextBits()),
            2 => WithNumber(input, at, ref random),
            3 => Join(input.AsSpan(..at), default, input.AsSpan(at + length)),
            4 => Join(input.AsSpan(..at), input.AsSpan(at, length), input.AsSpan(at)),
            5 => Join(input.AsSpan(..at), Octets(length, ref random), input.AsSpan(at)),
            6 => input[..at],
            7 => Splice(input, at, ref random),
            _ => DamageRecord(input, ref random),
        };
    }

    private byte[] DamageRecord(byte[] input, ref SequenceRandom random)
    {
        var count = FindRecords(input);
        if (count == 0)
        {
            return With(input, random.Next(input.Length), (byte)random.NextBits());
        }

        var one = random.Next(count);
        var other = random.Next(count);
        var (start, end) = (_records[one], _records[one + 1]);
        var record = input.AsSpan(start, end - start);
        switch (random.Next(6))
        {
            case 0: // twice
                return Join(input.AsSpan(..end), record, input.AsSpan(end));
            case 1: // not at all
                return Join(input.AsSpan(..start), default, input.AsSpan(end));
            case 2: // again somewhere else
                return Join(input.AsSpan(.._records[other]), record, input.AsSpan(_records[other]));
            case 3: // many times
                var many = Join(record, record, record);
                return Join(input.AsSpan(..end), Join(many, many, many), input.AsSpan(end));
            default: // its head: length, type, flags, stream
                return With(input, start + random.Next(Math.Min(9, record.Length)), (byte)random.NextBits() switch
                {
                    < 128 and var small => (byte)(small % 10),
                    var any => any,
                });
        }
    }

    private int FindRecords(byte[] input)
    {
        var count = 0;
        var position = firstRecord;
        while (count < MaxRecords && position < input.Length)
        {
            var length = recordLength(input, position);
            if (length <= 0 || length > input.Length - position)
            {
                break;
            }

            _records[count++] = position;
            position += length;
        }

        _records[count] = position;
        return count;
    }

    private byte[] Splice(byte[] input, int at, ref SequenceRandom random)
    {
        var other = corpus[random.Next(corpus.Length)];
        return Join(input.AsSpan(..at), other.AsSpan(random.Next(other.Length + 1)), default);
    }

    private static byte[] With(byte[] input, int at, byte octet)
    {
        var copy = (byte[])input.Clone();
        copy[at] = octet;
        return copy;
    }

    private static byte[] WithNumber(byte[] input, int at, ref SequenceRandom random)
    {
        var copy = (byte[])input.Clone();
        Span<byte> number = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(number, Interesting[random.Next(Interesting.Length)]);
        number = number[^(1 + random.Next(sizeof(uint)))..];
        number[..Math.Min(number.Length, copy.Length - at)].CopyTo(copy.AsSpan(at));
        return copy;
    }

    private static byte[] Octets(int length, ref SequenceRandom random)
    {
        var octets = new byte[length];
        foreach (ref var octet in octets.AsSpan())
        {
            octet = (byte)random.NextBits();
        }

        return octets;
    }

    // Longer than the most is cut off.
    private byte[] Join(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        var length = 0;
        Append(first, ref length);
        Append(second, ref length);
        Append(third, ref length);
        return _scratch[..length];
    }

    private void Append(ReadOnlySpan<byte> octets, ref int length)
    {
        octets = octets[..Math.Min(octets.Length, MaxLength - length)];
        octets.CopyTo(_scratch.AsSpan(length));
        length += octets.Length;
    }
}
