using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>Type, mode and owner of an open file (statx(2)).</summary>
/// <param name="Mode">Type and permission bits, as in <c>st_mode</c>.</param>
/// <param name="Owner">User id.</param>
internal readonly record struct FileStatus(ushort Mode, uint Owner)
{
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int PermissionMask = 0xFFF;
    private const int WritableByOthers = 0x12; // 022: group, everybody

    public bool IsRegularFile => (Mode & TypeMask) == RegularFile;

    /// <remarks>256 bytes: stx_uid is a u32 at 20, stx_mode a u16 at 28.</remarks>
    /// <exception cref="IOException">The system refused.</exception>
    public static FileStatus Read(SafeFileHandle handle, string path)
    {
        const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the descriptor itself
        const uint Mask = 0x1 | 0x2 | 0x8; // STATX_TYPE, STATX_MODE, STATX_UID
        Span<byte> status = stackalloc byte[256];
        status.Clear();
        return NativeMethods.ExtendedStatus(handle, "", EmptyPath, Mask, ref status[0]) == 0
            ? new FileStatus(MemoryMarshal.Read<ushort>(status[28..]), MemoryMarshal.Read<uint>(status[20..]))
            : throw OsError.Last.ToException($"cannot read owner and mode of {path}");
    }

    /// <exception cref="IOException">Another user owns the file, or may write to it.</exception>
    public void ThrowUnlessOurs(string path)
    {
        var user = NativeMethods.EffectiveUser();
        if (Owner != user)
        {
            throw new IOException(string.Create(
                CultureInfo.InvariantCulture,
                $"{path} belongs to user {Owner} and not to user {user}, who runs this process: not used"));
        }

        if ((Mode & WritableByOthers) != 0)
        {
            var mode = Convert.ToString(Mode & PermissionMask, toBase: 8);
            throw new IOException($"{path} can be written by group or others (mode {mode}): not used");
        }
    }
}
