using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// The BIO (BIO_meth_new(3)) that OpenSSL reads its records from when they come out of an outer tunnel: a
/// <see cref="RecordInput"/>, which is never copied more than once.
/// </summary>
internal static unsafe class InputBio
{
    private const int SourceSink = 0x0400;
    private const int ControlEof = 2;
    private const int ControlFlush = 11;
    private const int FlagsOfRetry = 0x0f; // BIO_FLAGS_RWS and BIO_FLAGS_SHOULD_RETRY
    private const int RetryRead = 0x09; // BIO_FLAGS_READ and BIO_FLAGS_SHOULD_RETRY

    private static readonly nint Method = CreateMethod();

    /// <summary>A BIO that reads the input behind the handle; the caller keeps the handle alive.</summary>
    public static nint Create(GCHandle input)
    {
        var bio = Native.BIO_new(Method);
        ErrorQueue.ThrowUnless(bio != 0, "input BIO");
        Native.BIO_set_data(bio, GCHandle.ToIntPtr(input));
        Native.BIO_set_init(bio, 1);
        return bio;
    }

    private static nint CreateMethod()
    {
        fixed (byte* name = "outer tunnel\0"u8)
        {
            var method = Native.BIO_meth_new(Native.BIO_get_new_index() | SourceSink, name);
            ErrorQueue.ThrowUnless(method != 0, "input BIO method");
            ErrorQueue.ThrowUnless(
                Native.BIO_meth_set_read(method, &Read) == 1 && Native.BIO_meth_set_ctrl(method, &Control) == 1,
                "input BIO method");
            return method;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(nint bio, byte* data, int length)
    {
        Native.BIO_clear_flags(bio, FlagsOfRetry);
        if (InputOf(bio) is not { } input || length <= 0)
        {
            return -1;
        }

        if (!input.Rest.IsEmpty)
        {
            return input.Read(new Span<byte>(data, length));
        }

        switch (input.End)
        {
            case RecordInputEnd.None:
                Native.BIO_set_flags(bio, RetryRead);
                return -1;
            case RecordInputEnd.Orderly:
                return 0;
            default:
                return -1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Control(nint bio, int command, nint argument, nint pointer) => command switch
    {
        ControlFlush => 1,
        ControlEof => InputOf(bio) is { End: RecordInputEnd.Orderly, Rest.IsEmpty: true } ? 1 : 0,
        _ => 0,
    };

    private static RecordInput? InputOf(nint bio) =>
        GCHandle.FromIntPtr(Native.BIO_get_data(bio)).Target as RecordInput;
}
