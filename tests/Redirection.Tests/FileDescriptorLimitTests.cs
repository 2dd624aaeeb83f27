namespace Redirection.Tests;

public sealed class FileDescriptorLimitTests
{
    [Fact]
    public void RaiseSoftToHard_SoftBelowHard_BecomesHard()
    {
        var hard = FileDescriptorLimit.Read().Hard;
        FileDescriptorLimit.Write(new NativeMethods.ResourceLimit(hard - 1, hard));

        var (before, after) = FileDescriptorLimit.RaiseSoftToHard();

        Assert.Equal((hard - 1, hard), (before, after));
        Assert.Equal(hard, FileDescriptorLimit.Read().Soft);
    }

    [Fact]
    public void Write_AboveHard_SaysWhatFailed()
    {
        var limit = FileDescriptorLimit.Read();

        var exception = Assert.Throws<IOException>(
            () => FileDescriptorLimit.Write(limit with { Soft = limit.Hard + 1 }));

        Assert.Equal(
            $"cannot set RLIMIT_NOFILE to {limit.Hard + 1}: Invalid argument (os error 22)", exception.Message);
    }
}
