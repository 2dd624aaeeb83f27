using Grpc.Core;
using Ztunnel.Config;

namespace Ztunnel.ControlPlane;

/// <summary>What each call to a control plane server carries: who we are, and what the environment adds.</summary>
internal static class CallHeaders
{
    /// <summary>Reads the token again, because the kubelet renews it.</summary>
    /// <exception cref="ControlPlaneException">There is a source for a token and no token in it.</exception>
    public static Metadata Read(AuthTokenSource? token, string clusterId, ControlPlaneOptions server)
    {
        var headers = new Metadata();
        if (token is not null)
        {
            headers.Add("authorization", $"Bearer {ReadToken(token)}");
            headers.Add("clusterid", clusterId);
        }

        foreach (var (name, value) in server.Headers)
        {
            headers.Add(name, value);
        }

        return headers;
    }

    private static string ReadToken(AuthTokenSource source)
    {
        string token;
        try
        {
            // A line end at the end, as editors leave it, cannot be part of a header.
            token = (source.Literal ?? File.ReadAllText(source.Path!)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlPlaneException($"the token cannot be read: {e.Message}", e);
        }

        return token.Length > 0 && !token.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? token
            : throw new ControlPlaneException($"no token in {source}: it is empty or not plain text");
    }
}
