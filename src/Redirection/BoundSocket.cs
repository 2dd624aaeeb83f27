using System.Net;

namespace Redirection;

/// <summary>A socket as the kernel describes it.</summary>
/// <param name="Address">Local address.</param>
/// <param name="Inode">Number that <c>/proc/PID/fd</c> knows it by.</param>
internal readonly record struct BoundSocket(IPAddress Address, long Inode);
