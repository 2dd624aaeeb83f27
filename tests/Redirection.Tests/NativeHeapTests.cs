namespace Redirection.Tests;

public sealed class NativeHeapTests
{
    [Fact]
    public void TryLimitArenas_OnDebian_IsTaken() => Assert.True(NativeHeap.TryLimitArenas(2));

    [Fact]
    public void TryLimitArenas_None_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeHeap.TryLimitArenas(0));
}
