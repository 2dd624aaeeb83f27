using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2.Hpack;

public class DynamicTableTests
{
    private const int EntrySize = 34; // one octet of name, one of value

    [Fact]
    [Requirement("7541-4.4-1")]
    public void Add_MoreThanFits_OldestLeave()
    {
        var table = new DynamicTable(3 * EntrySize);

        foreach (var name in "abcdefghijklmnopqrstuvwxyz")
        {
            table.Add(new HeaderField(name.ToString(), "1"));
        }

        Assert.Equal(["z", "y", "x"], NamesOf(table));
        Assert.Equal(3 * EntrySize, table.Size);
    }

    [Fact]
    [Requirement("7541-2.3.2-1", "7541-4.1-1")]
    public void Add_ManySmallEntries_AllAreFoundAtTheirIndex()
    {
        const int Entries = 128;
        var table = new DynamicTable(Entries * HeaderField.Overhead);

        for (var count = 0; count < Entries; count++)
        {
            table.Add(new HeaderField("", ""));
        }

        Assert.Equal(Entries, table.Count);
        Assert.Equal(new TableMatch(1, IncludesValue: true), table.Find(new HeaderField("", "")));
    }

    [Fact]
    [Requirement("7541-4.4-1")]
    public void Add_LargerThanTheTable_EmptiesIt() // section 4.4
    {
        var table = new DynamicTable(EntrySize);
        table.Add(new HeaderField("a", "1"));

        table.Add(new HeaderField("a", "12"));

        Assert.Equal(0, table.Count);
        Assert.Equal(0, table.Size);
    }

    [Fact]
    [Requirement("7541-4.3-1")]
    public void Resize_Smaller_OldestLeave() // section 4.3
    {
        var table = new DynamicTable(3 * EntrySize);
        table.Add(new HeaderField("a", "1"));
        table.Add(new HeaderField("b", "1"));
        table.Add(new HeaderField("c", "1"));

        table.Resize((2 * EntrySize) + 1);

        Assert.Equal(["c", "b"], NamesOf(table));
    }

    [Fact]
    public void Find_SeveralOfTheName_ValueWinsElseNewest()
    {
        var table = new DynamicTable(DynamicTable.DefaultMaxSize);
        table.Add(new HeaderField("a", "1"));
        table.Add(new HeaderField("a", "2"));
        table.Add(new HeaderField("b", "1"));

        Assert.Equal(new TableMatch(3, IncludesValue: true), table.Find(new HeaderField("a", "1")));
        Assert.Equal(new TableMatch(2, IncludesValue: false), table.Find(new HeaderField("a", "3")));
        Assert.Equal(new TableMatch(0, IncludesValue: false), table.Find(new HeaderField("c", "1")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void At_OutsideTheTable_Throws(int index)
    {
        var table = new DynamicTable(EntrySize);
        table.Add(new HeaderField("a", "1"));

        Assert.Throws<ArgumentOutOfRangeException>(() => table.At(index));
    }

    private static IEnumerable<string> NamesOf(DynamicTable table) =>
        Enumerable.Range(1, table.Count).Select(index => table.At(index).Name);
}
