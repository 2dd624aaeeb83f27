namespace Ztunnel.Config;

/// <summary>Where the bearer token for the control plane comes from: exactly one of the two is set.</summary>
/// <param name="Path">A file that is read again for each request.</param>
/// <param name="Literal">The token itself.</param>
internal sealed record AuthTokenSource(string? Path, string? Literal)
{
    /// <summary>Whether a file that is not there means no token, not an error.</summary>
    public bool IsOptional { get; init; }

    /// <summary>Never shows a token.</summary>
    public override string ToString() => Path ?? "(literal)";
}
