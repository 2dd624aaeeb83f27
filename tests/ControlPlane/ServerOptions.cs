using System.Net;

namespace ControlPlane;

/// <summary>What to serve, from the command line.</summary>
/// <param name="MeshFile">Workloads, services and policies, in the form of <c>LOCAL_XDS_PATH</c>.</param>
/// <param name="Listen">Where XDS and CA are served, both on one port. Port 0 takes a free one.</param>
/// <param name="RootFile">Written at the start: the root that clients verify the server and each other with.</param>
/// <param name="TokenFile">Who may call, see <see cref="Callers"/>.</param>
internal sealed record ServerOptions(string MeshFile, IPEndPoint Listen, string RootFile, string TokenFile)
{
    private const string Usage =
        "usage: ControlPlane --mesh FILE --listen ADDRESS:PORT --root FILE --tokens FILE";

    private static readonly string[] Names = ["--mesh", "--listen", "--root", "--tokens"];

    /// <exception cref="OptionException">An option is missing, unknown or wrong.</exception>
    public static ServerOptions Parse(IReadOnlyList<string> arguments)
    {
        var values = new Dictionary<string, string>();
        foreach (var pair in arguments.Chunk(2))
        {
            if (pair is not [var name, var value] || !Names.Contains(name) || !values.TryAdd(name, value))
            {
                throw new OptionException($"unexpected '{pair[0]}'\n{Usage}");
            }
        }

        return new ServerOptions(Value("--mesh"), Address(Value("--listen")), Value("--root"), Value("--tokens"));

        string Value(string name) => values.GetValueOrDefault(name)
            ?? throw new OptionException($"{name} is missing\n{Usage}");
    }

    private static IPEndPoint Address(string text) => IPEndPoint.TryParse(text, out var address)
        ? address
        : throw new OptionException($"--listen '{text}' is not an address and a port\n{Usage}");
}
