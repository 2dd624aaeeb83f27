namespace Redirection;

/// <summary>What tells two network namespaces apart: device and inode of their file (namespaces(7)).</summary>
/// <remarks>An inode number is free for reuse once the namespace is gone, so an identity is good while a handle is open.</remarks>
/// <param name="DeviceMajor">Major number of the device that holds namespace files.</param>
/// <param name="DeviceMinor">Minor number of that device.</param>
/// <param name="Inode">The number seen in <c>net:[4026531840]</c>.</param>
public readonly record struct NetnsIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode);
