using System.Collections.Immutable;
using Ztunnel.Config;

namespace Ztunnel.Control;

/// <summary>
/// What every request to the control plane carries: the bearer token with the cluster's name, and what the environment
/// adds. The token file is read for each request, because the kubelet replaces it long before it expires.
/// </summary>
/// <param name="token">Null sends neither token nor cluster.</param>
/// <param name="clusterId">Name of this cluster.</param>
/// <param name="extra">Headers of the environment, names in lower case.</param>
internal sealed class ControlPlaneHeaders(
    AuthTokenSource? token, string clusterId, ImmutableArray<KeyValuePair<string, string>> extra)
{
    /// <summary>The headers for one request.</summary>
    /// <exception cref="ControlPlaneException">The token cannot be read or sent.</exception>
    public async ValueTask<ImmutableArray<KeyValuePair<string, string>>> ReadAsync(CancellationToken cancellationToken)
    {
        if (token is null)
        {
            return extra;
        }

        if ((token.Literal ?? await ReadFileAsync(token, cancellationToken)) is not { } text)
        {
            return extra;
        }

        return
        [
            KeyValuePair.Create("authorization", $"Bearer {Checked(text, token)}"),
            KeyValuePair.Create("clusterid", clusterId),
            .. extra,
        ];
    }

    /// <summary>Null when there is no file, and none is needed.</summary>
    private static async Task<string?> ReadFileAsync(AuthTokenSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(source.Path!, cancellationToken);
        }
        catch (Exception e) when (
            source.IsOptional && e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlPlaneException($"authentication token: {e.Message}", e);
        }
    }

    /// <summary>Without the line end that people leave behind a token. Never shown.</summary>
    private static string Checked(string text, AuthTokenSource source) => text.TrimEnd('\r', '\n') switch
    {
        "" => throw new ControlPlaneException($"authentication token {source} is empty"),
        var line when line.AsSpan().ContainsAnyExceptInRange('!', '~') =>
            throw new ControlPlaneException($"authentication token {source} holds characters that cannot be sent"),
        var line => line,
    };
}
