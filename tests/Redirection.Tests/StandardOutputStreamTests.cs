using System.Globalization;
using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;

namespace Redirection.Tests;

public sealed class StandardOutputStreamTests
{
    private const int WriteOnly = 1;
    private const int NonBlocking = 0x800;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void FullDisk_IsAnError()
    {
        using var output = new StandardOutputStream(File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite));

        var error = Assert.Throws<IOException>(() => output.Write("line\n"u8));

        Assert.Equal("cannot write to standard output: No space left on device (os error 28)", error.Message);
    }

    [Fact]
    public void ClosedPipe_IsAnError()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var output = Open(reader, WriteOnly);
        reader.DisposeLocalCopyOfClientHandle();
        reader.Dispose();

        var error = Assert.Throws<IOException>(() => output.Write("line\n"u8));

        Assert.EndsWith("(os error 32)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WriteOnly)]
    [InlineData(WriteOnly | NonBlocking)]
    public async Task SlowReader_GetsEverythingInOrder(int flags)
    {
        var sent = new byte[1_000_000]; // a pipe holds 64 KiB
        new Random(7).NextBytes(sent);
        await using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        var output = Open(reader, flags);
        reader.DisposeLocalCopyOfClientHandle();
        var writing = Task.Run(
            () =>
            {
                using (output)
                {
                    output.Write(sent);
                }
            },
            Token);

        using var received = new MemoryStream();
        await reader.CopyToAsync(received, Token);
        await writing;

        Assert.Equal(sent, received.ToArray());
    }

    /// <summary>The writing end of a pipe, opened anew so that its flags are its own.</summary>
    private static StandardOutputStream Open(AnonymousPipeServerStream reader, int flags)
    {
        var writing = reader.ClientSafePipeHandle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
        var descriptor = NativeMethods.Open($"/proc/self/fd/{writing}", flags);
        Assert.True(descriptor >= 0);
        return new StandardOutputStream(new SafeFileHandle(descriptor, ownsHandle: true));
    }
}
