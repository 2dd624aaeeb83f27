namespace Hbone.Http2.Hpack;

/// <summary>
/// The code of RFC 7541 appendix B. It is canonical: codes of one length are consecutive in the order of their
/// symbols, and longer ones go on where shorter ones ended. So the lengths say everything.
/// </summary>
internal static class HuffmanCode
{
    /// <summary>The symbol that is never sent; its first bits are the padding (RFC 7541 section 5.2).</summary>
    public const int EndOfString = 256;

    /// <summary>Octets and <see cref="EndOfString"/>.</summary>
    public const int SymbolCount = 257;

    private const int MaxLength = 30;

    private static readonly uint[] Codes = Assign();

    /// <summary>Bits of each symbol's code, 5 to 30.</summary>
    public static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, // 0x00
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, // 0x10
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, // 0x20
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // 0x30
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // 0x40
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // 0x50
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, // 0x60
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, // 0x70
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, // 0x80
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, // 0x90
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, // 0xa0
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, // 0xb0
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, // 0xc0
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, // 0xd0
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, // 0xe0
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, // 0xf0
        30,
    ];

    /// <summary>The symbol's code, in the low <see cref="Lengths"/> bits.</summary>
    public static uint CodeOf(int symbol) => Codes[symbol];

    private static uint[] Assign()
    {
        var codes = new uint[SymbolCount];
        var next = 0u;
        for (var length = 1; length <= MaxLength; length++, next <<= 1)
        {
            for (var symbol = 0; symbol < SymbolCount; symbol++)
            {
                if (Lengths[symbol] == length)
                {
                    codes[symbol] = next++;
                }
            }
        }

        return codes;
    }
}
