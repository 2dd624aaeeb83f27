using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>
/// A directory whose files this user alone can have written, held by a descriptor, so that what was checked is what is
/// used (openat(2)). Files in it are never followed when they are symbolic links.
/// </summary>
[SuppressMessage("Interoperability", "CA1416", Justification = "The proxy runs on Linux only.")]
public sealed class PrivateDirectory : IDisposable
{
    private const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const uint FileMode = 0x180; // 0600
    private const int WriteOnly = 0x1;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int NonBlocking = 0x800; // a pipe with that name must not hold us
    private const int CloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int NoSuchFile = 2; // ENOENT
    private const int WouldBlock = 11; // EWOULDBLOCK

    private readonly SafeFileHandle _handle;

    private PrivateDirectory(SafeFileHandle handle, string path)
    {
        _handle = handle;
        Path = path;
    }

    /// <summary>Where it is, for messages.</summary>
    public string Path { get; }

    // Two flags that are not the same on all architectures (asm/fcntl.h); the others used here are.
    private static int Directory => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;

    private static int NoFollow => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    /// <summary>Opens the directory; one that is missing is made with mode 0700, its parents too.</summary>
    /// <exception cref="IOException">
    /// It cannot be made or opened, or somebody else owns it or may write to it: the message names it and says which.
    /// </exception>
    public static PrivateDirectory Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!System.IO.Directory.Exists(path))
        {
            try
            {
                System.IO.Directory.CreateDirectory(path, DirectoryMode);
            }
            catch (UnauthorizedAccessException e)
            {
                throw new IOException($"cannot create directory {path}: {e.Message}", e);
            }
        }

        var descriptor = NativeMethods.Open(path, Directory | CloseOnExec);
        if (descriptor < 0)
        {
            throw OsError.Last.ToException($"cannot open directory {path}");
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            FileStatus.Read(handle, path).ThrowUnlessOurs(path);
            return new PrivateDirectory(handle, path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes the lock on the directory, which ends with this object or its process (flock(2)). False when another holder
    /// of the directory, in this process or another, has it.
    /// </summary>
    /// <exception cref="IOException">The file system knows no such lock.</exception>
    public bool TryLock()
    {
        if (NativeMethods.Lock(_handle, LockExclusive | LockNonBlocking) == 0)
        {
            return true;
        }

        var error = OsError.Last;
        return error.Number == WouldBlock ? false : throw error.ToException($"cannot lock directory {Path}");
    }

    /// <summary>Opens a file for reading; null when there is none.</summary>
    /// <param name="name">Without a directory.</param>
    /// <exception cref="IOException">
    /// It is no regular file, somebody else owns it or may write to it, or it cannot be opened.
    /// </exception>
    public FileStream? OpenRead(string name)
    {
        var descriptor = NativeMethods.OpenAt(_handle, name, NoFollow | NonBlocking | CloseOnExec, 0);
        if (descriptor < 0)
        {
            var error = OsError.Last;
            return error.Number == NoSuchFile ? null : throw error.ToException($"cannot open {PathOf(name)}");
        }

        return Checked(new SafeFileHandle(descriptor, ownsHandle: true), name, FileAccess.Read);
    }

    /// <summary>Creates a file of mode 0600 for writing, in place of the one that is there.</summary>
    /// <param name="name">Without a directory.</param>
    /// <exception cref="IOException">It cannot be created.</exception>
    public FileStream CreateNew(string name)
    {
        Remove(name);
        var descriptor = NativeMethods.OpenAt(_handle, name, WriteOnly | Create | Exclusive | CloseOnExec, FileMode);
        return descriptor >= 0
            ? Checked(new SafeFileHandle(descriptor, ownsHandle: true), name, FileAccess.Write)
            : throw OsError.Last.ToException($"cannot write {PathOf(name)}");
    }

    /// <summary>
    /// Gives a file, whose content is on the disk already, the name of another one: whoever opens that name sees the old
    /// content or the new, also after a crash (rename(2), fsync(2) of the directory).
    /// </summary>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public void Replace(string name, string replaced)
    {
        if (NativeMethods.RenameAt(_handle, name, _handle, replaced) != 0)
        {
            throw OsError.Last.ToException($"cannot rename {PathOf(name)} to {replaced}");
        }

        if (NativeMethods.Synchronize(_handle) != 0)
        {
            throw OsError.Last.ToException($"cannot write directory {Path}");
        }
    }

    /// <summary>Removes a file; one that is missing is no error.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    public void Remove(string name)
    {
        if (NativeMethods.UnlinkAt(_handle, name, 0) != 0 && OsError.Last is var error && error.Number != NoSuchFile)
        {
            throw error.ToException($"cannot remove {PathOf(name)}");
        }
    }

    /// <summary>Closes the directory; disposing twice is fine.</summary>
    public void Dispose() => _handle.Dispose();

    private string PathOf(string name) => System.IO.Path.Combine(Path, name);

    // No buffer: the callers have their own.
    private FileStream Checked(SafeFileHandle handle, string name, FileAccess access)
    {
        try
        {
            var status = FileStatus.Read(handle, PathOf(name));
            if (!status.IsRegularFile)
            {
                throw new IOException($"{PathOf(name)} is not a regular file");
            }

            status.ThrowUnlessOurs(PathOf(name));
            return new FileStream(handle, access, bufferSize: 0);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }
}
