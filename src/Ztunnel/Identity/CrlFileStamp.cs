using Microsoft.Win32.SafeHandles;

namespace Ztunnel.Identity;

/// <summary>Enough of a file's metadata to see cheaply that it is another one; links are followed.</summary>
/// <param name="Written">Last change of its content.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct CrlFileStamp(DateTime Written, long Length)
{
    /// <summary>The file that the path leads to now; null when there is none that can be opened.</summary>
    public static CrlFileStamp? Of(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return Of(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>An open file.</summary>
    public static CrlFileStamp Of(SafeFileHandle file) =>
        new(File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));
}
