namespace Hbone.Proxying;

/// <summary>How copying ended, by direction; null is an orderly end (FIN or END_STREAM passed on).</summary>
/// <param name="Up">What broke the way from the client to the server.</param>
/// <param name="Down">What broke the way from the server to the client.</param>
public readonly record struct CopyResult(Exception? Up, Exception? Down)
{
    /// <summary>
    /// Whether the way down broke first. What broke first says why; we then end the other way, which fails of that.
    /// </summary>
    public bool DownFirst { get; init; }
}
