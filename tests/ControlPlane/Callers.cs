using Grpc.Core;

namespace ControlPlane;

/// <summary>
/// Who calls, by bearer token. The file has a line <c>token,system:serviceaccount:namespace:name</c> for each, as
/// Kubernetes' static token file begins; it is read for each call, so tokens can be replaced at any time.
/// </summary>
internal sealed class Callers(string path)
{
    private const string Scheme = "Bearer ";

    /// <summary>Whose token the call carries.</summary>
    /// <exception cref="RpcException">Unauthenticated: nobody's.</exception>
    public Caller Authenticate(ServerCallContext context)
    {
        var header = context.RequestHeaders.GetValue("authorization");
        if (header?.StartsWith(Scheme, StringComparison.Ordinal) != true)
        {
            throw Unauthenticated("no bearer token");
        }

        var token = header[Scheme.Length..];
        foreach (var line in ReadLines())
        {
            if (line.Split(',') is [var known, var user] && known.Length > 0 && known == token
                && user.Split(':') is ["system", "serviceaccount", var ns, var name])
            {
                return new Caller(ns, name);
            }
        }

        throw Unauthenticated("the token is not known");
    }

    private static RpcException Unauthenticated(string detail) => new(new Status(StatusCode.Unauthenticated, detail));

    private string[] ReadLines()
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unauthenticated("tokens cannot be read");
        }
    }
}
