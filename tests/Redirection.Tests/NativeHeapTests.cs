using System.Runtime.InteropServices;

namespace Redirection.Tests;

public sealed class NativeHeapTests
{
    [Fact]
    public void TryLimitArenas_OnDebian_IsTaken() => Assert.True(NativeHeap.TryLimitArenas(2));

    [Fact]
    public void TryLimitArenas_None_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeHeap.TryLimitArenas(0));

    [Fact]
    public void TryTrim_BlocksFreedBelowOneInUse_AreGivenBack()
    {
        // Each too small for a mapping of its own; the one in use keeps the heap from shrinking by itself.
        var blocks = Enumerable.Range(0, 1_000).Select(_ => Marshal.AllocHGlobal(64 * 1024)).ToArray();
        var used = Marshal.AllocHGlobal(1024);
        Array.ForEach(blocks, Marshal.FreeHGlobal);

        Assert.True(NativeHeap.TryTrim());

        Marshal.FreeHGlobal(used);
    }
}
