using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Redirection;

/// <summary>
/// The program of one instruction that says which socket of a port group gets what comes (<c>SO_ATTACH_REUSEPORT_CBPF</c>,
/// socket(7)): always the one of that index. It belongs to the group and stays when the socket is closed.
/// </summary>
internal static class ReusePortProgram
{
    private const int SoAttachReusePortCbpf = 51;
    private const ushort ReturnConstant = 0x06; // BPF_RET | BPF_K

    /// <summary>Attaches it to the group of a bound socket; false when the kernel goes on to spread.</summary>
    public static unsafe bool TryAttach(Socket socket, uint index)
    {
        var instruction = new Instruction(ReturnConstant, 0, 0, index);
        var program = new Program(1, &instruction);
        try
        {
            socket.SetRawSocketOption(
                RawSocketOptions.SolSocket,
                SoAttachReusePortCbpf,
                new ReadOnlySpan<byte>(&program, sizeof(Program)));
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary><c>struct sock_filter</c> of classic BPF.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte JumpTrue, byte JumpFalse, uint Constant);

    /// <summary><c>struct sock_fprog</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly unsafe struct Program(ushort length, Instruction* instructions)
    {
        private readonly ushort _length = length;
        private readonly Instruction* _instructions = instructions;
    }
}
