using System.Text;

namespace Ztunnel.Mesh.Local;

/// <summary>
/// Reads a mesh from a YAML file in Istio's local form: lists <c>workloads</c>, <c>services</c> and <c>policies</c>.
/// Keys it does not know are errors, so that a misspelled one is noticed.
/// </summary>
internal static class LocalMeshFile
{
    /// <summary>A file beyond this many bytes is refused.</summary>
    public const int MaxLength = 64 * 1024 * 1024;

    private static readonly UTF8Encoding StrictUtf8 =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="LocalMeshException">The file cannot be read, or is not a mesh.</exception>
    public static LocalMesh Load(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Parse(StrictUtf8.GetString(ReadAll(file, path)), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalMeshException($"{path}: cannot be read: {exception.Message}", exception);
        }
        catch (DecoderFallbackException exception)
        {
            throw new LocalMeshException($"{path}: not UTF-8 at byte {exception.Index}", exception);
        }
    }

    /// <param name="text">The content.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="LocalMeshException">The text is not a mesh.</exception>
    public static LocalMesh Parse(string text, string name)
    {
        using var reader = new StringReader(text);
        if (YamlTree.Parse(reader, name) is not { } root)
        {
            return LocalMesh.Empty;
        }

        var value = new LocalValue(name, LocalPath.Root, root);
        if (value.IsNull)
        {
            return LocalMesh.Empty;
        }

        var fields = value.Object();
        var mesh = new LocalMesh(
            fields.List("workloads", LocalWorkloadReader.Read),
            fields.List("services", LocalServiceReader.Read),
            fields.List("policies", LocalPolicyReader.Read));
        fields.RejectOtherKeys();
        return mesh;
    }

    // Not File.ReadAllBytes: a pipe or device tells no length and may have no end.
    private static ReadOnlySpan<byte> ReadAll(Stream file, string path)
    {
        using var content = new MemoryStream();
        var buffer = new byte[81_920];
        int count;
        while ((count = file.Read(buffer)) > 0)
        {
            if (content.Length + count > MaxLength)
            {
                throw new LocalMeshException($"{path}: longer than {MaxLength} bytes");
            }

            content.Write(buffer, 0, count);
        }

        var bytes = content.GetBuffer().AsSpan(0, (int)content.Length);
        return bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
    }
}
