using static Hbone.Tests.Http2.Requirements.Role;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>RFC 7541, which binds encoder and decoder of both sides: the code is the same.</summary>
internal static class HpackRequirements
{
    public static IReadOnlyList<Requirement> All { get; } =
    [
        new("7541-2.1-1", Both, "Fields are encoded, and come out, in the order of the list."),
        new("7541-2.3.2-1", Both, "Duplicate entries of the dynamic table are no error."),
        new("7541-2.3.3-1", Both, "An index beyond both tables is a decoding error."),
        new("7541-3.2-1", Both, "Representations are worked off in their order, and those that say so enter the dynamic table."),
        new("7541-4.1-1", Both, "An entry counts its decoded octets and 32 more."),
        new("7541-4.2-1", Both, "The encoder's table is not larger than the decoder's limit."),
        new("7541-4.2-2", Both, "A changed limit is told by a size update at the start of the next block."),
        new("7541-4.2-3", Both, "Of several changes between two blocks the smallest and the final one are told, in that order."),
        new("7541-4.2-4", Both, "A size update after the first field of a block is a decoding error.", "The RFC says where it has to stand; that another place is an error follows."),
        new("7541-4.3-1", Both, "Entries are evicted from the oldest until the table fits its new size."),
        new("7541-4.4-1", Both, "Entries are evicted before a new one is added; one larger than the table empties it and is no error."),
        new("7541-4.4-2", Both, "A name taken from an entry that its own addition evicts is still there."),
        new("7541-5.1-1", Both, "Integers are coded as in section 5.1."),
        new("7541-5.1-2", Both, "An integer beyond our limits in value or in octets is a decoding error."),
        new("7541-5.2-1", Both, "Huffman text is padded with the first bits of the end-of-string symbol."),
        new("7541-5.2-2", Both, "Padding of more than 7 bits is a decoding error."),
        new("7541-5.2-3", Both, "Padding of other bits is a decoding error."),
        new("7541-5.2-4", Both, "The end-of-string symbol in a text is a decoding error."),
        new("7541-6.1-1", Both, "Index 0 is a decoding error."),
        new("7541-6.2.3-1", Both, "A field that is never to be indexed is encoded as such, and known as such when it was decoded."),
        new("7541-6.2.3-2", None, "Intermediaries forward a never-indexed field in the same representation.", "No field is forwarded."),
        new("7541-6.3-1", Both, "A size update above the limit is a decoding error."),
        new("7541-7.1.3-1", None, "Intermediaries never index a field that they received as never indexed.", "No field is forwarded."),
        new("7541-7.4-1", Both, "Values and lengths of integers and the lengths of strings have limits: memory is bounded for strings, lists and integers, whatever the peer sends."),
        new("7541-A-1", Both, "The static table is that of appendix A."),
        new("7541-B-1", Both, "The Huffman code is that of appendix B."),
    ];
}
