using System.Runtime.InteropServices;

namespace Redirection;

/// <summary><c>struct pollfd</c> of poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollRequest
{
    /// <summary>What to wait for.</summary>
    public int Descriptor;

    /// <summary>Which events.</summary>
    public short Events;

    /// <summary>Which have come, written by the kernel.</summary>
    public short Returned;
}
