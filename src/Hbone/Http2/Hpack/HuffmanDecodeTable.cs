namespace Hbone.Http2.Hpack;

/// <summary>
/// The code tree of <see cref="HuffmanCode"/> as a state machine over half octets: 256 inner nodes times 16 inputs.
/// The shortest code has five bits, so a step ends at most one symbol.
/// </summary>
internal static class HuffmanDecodeTable
{
    /// <summary>The state in which decoding starts: the root of the tree.</summary>
    public const byte Root = 0;

    private const int BitsPerStep = 4;
    private const int InputsPerState = 1 << BitsPerStep;
    private const int MaxPaddingBits = 7;

    private static readonly short[] Tree = GrowTree();
    private static readonly Step[] Steps = BuildSteps();

    /// <summary>
    /// For each state whether the text may end in it: all bits since the last symbol are ones and there are at most
    /// seven of them, the padding of RFC 7541 section 5.2.
    /// </summary>
    private static readonly bool[] MayEnd = MarkPadding();

    /// <summary>Moves on by the four low bits of an octet.</summary>
    public static Step Advance(byte state, int halfOctet) => Steps[(state * InputsPerState) + halfOctet];

    /// <summary>Whether the text may end in this state.</summary>
    public static bool MayEndIn(byte state) => MayEnd[state];

    // Two children for each inner node: a node number, or a symbol as its complement. 257 leaves make 256 inner nodes.
    private static short[] GrowTree()
    {
        var children = new short[(HuffmanCode.SymbolCount - 1) * 2];
        short nodes = 1;
        for (var symbol = 0; symbol < HuffmanCode.SymbolCount; symbol++)
        {
            var code = HuffmanCode.CodeOf(symbol);
            var node = 0;
            for (var bit = HuffmanCode.Lengths[symbol] - 1; bit > 0; bit--)
            {
                ref var child = ref children[(node * 2) + (int)((code >> bit) & 1)];
                child = child == 0 ? nodes++ : child;
                node = child;
            }

            children[(node * 2) + (int)(code & 1)] = (short)~symbol;
        }

        return children;
    }

    private static Step[] BuildSteps()
    {
        var steps = new Step[(HuffmanCode.SymbolCount - 1) * InputsPerState];
        for (var place = 0; place < steps.Length; place++)
        {
            steps[place] = Walk(place / InputsPerState, place % InputsPerState);
        }

        return steps;
    }

    private static Step Walk(int node, int input)
    {
        var kind = StepKind.Inside;
        var symbol = 0;
        for (var bit = BitsPerStep - 1; bit >= 0; bit--)
        {
            var child = Tree[(node * 2) + ((input >> bit) & 1)];
            if (child >= 0)
            {
                node = child;
                continue;
            }

            symbol = ~child;
            if (symbol == HuffmanCode.EndOfString)
            {
                return new Step(Root, StepKind.EndOfString, 0);
            }

            kind = StepKind.Symbol;
            node = Root;
        }

        return new Step((byte)node, kind, (byte)symbol);
    }

    private static bool[] MarkPadding()
    {
        var mayEnd = new bool[HuffmanCode.SymbolCount - 1];
        var node = (int)Root;
        for (var bits = 0; bits <= MaxPaddingBits; bits++)
        {
            mayEnd[node] = true;
            node = Tree[(node * 2) + 1]; // no code of only ones is this short, so this is never a leaf
        }

        return mayEnd;
    }

    /// <summary>What four bits lead to.</summary>
    /// <param name="Next">The state after them.</param>
    /// <param name="Kind">What they ended.</param>
    /// <param name="Symbol">The octet they ended, if they did.</param>
    internal readonly record struct Step(byte Next, StepKind Kind, byte Symbol);

    /// <summary>What a step ended.</summary>
    internal enum StepKind : byte
    {
        /// <summary>Nothing: still inside a code.</summary>
        Inside,

        /// <summary>An octet.</summary>
        Symbol,

        /// <summary>The end-of-string symbol, which must not be sent.</summary>
        EndOfString,
    }
}
