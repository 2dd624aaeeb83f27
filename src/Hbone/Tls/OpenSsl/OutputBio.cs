using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// The BIO (BIO_meth_new(3)) that OpenSSL writes its records to: appends them to a <see cref="ByteBatch"/>, so that
/// many records leave in one <c>send</c>.
/// </summary>
internal static unsafe class OutputBio
{
    private const int SourceSink = 0x0400;
    private const int ControlFlush = 11;

    private static readonly nint Method = CreateMethod();

    /// <summary>A BIO that writes to the buffer behind the handle; the caller keeps the handle alive.</summary>
    public static nint Create(GCHandle buffer)
    {
        var bio = Native.BIO_new(Method);
        ErrorQueue.ThrowUnless(bio != 0, "output BIO");
        Native.BIO_set_data(bio, GCHandle.ToIntPtr(buffer));
        Native.BIO_set_init(bio, 1);
        return bio;
    }

    private static nint CreateMethod()
    {
        fixed (byte* name = "records\0"u8)
        {
            var method = Native.BIO_meth_new(Native.BIO_get_new_index() | SourceSink, name);
            ErrorQueue.ThrowUnless(method != 0, "output BIO method");
            ErrorQueue.ThrowUnless(
                Native.BIO_meth_set_write(method, &Write) == 1 && Native.BIO_meth_set_ctrl(method, &Control) == 1,
                "output BIO method");
            return method;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(nint bio, byte* data, int length)
    {
        if (GCHandle.FromIntPtr(Native.BIO_get_data(bio)).Target is not ByteBatch buffer)
        {
            return -1;
        }

        buffer.Append(new ReadOnlySpan<byte>(data, length));
        return length;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Control(nint bio, int command, nint argument, nint pointer) => command == ControlFlush ? 1 : 0;
}
