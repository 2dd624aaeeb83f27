using System.Globalization;
using System.Security.Cryptography;

namespace Ztunnel.Demo;

/// <summary>
/// A control plane in a pod of its own: XDS and CA on port 15012, from a mesh file that may change, with a token for each
/// proxy.
/// </summary>
internal sealed class ControlPlaneProcess
{
    private const int Port = 15012;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PushLimit = TimeSpan.FromSeconds(10);

    private readonly Pod _pod;
    private readonly string _folder;
    private ChildProcess _process = null!;

    private ControlPlaneProcess(Pod pod, string folder) => (_pod, _folder) = (pod, folder);

    /// <summary>What it served, and to whom.</summary>
    public OutputLines Log => _process.Output;

    /// <summary>The mesh, in the form of a local mesh file.</summary>
    public string MeshFile => Path.Combine(_folder, "mesh.yaml");

    private string RootFile => Path.Combine(_folder, "root-cert.pem");

    private string TokenFile => Path.Combine(_folder, "tokens.csv");

    /// <summary>Starts it and waits until it serves.</summary>
    /// <param name="program">Its executable.</param>
    /// <param name="pod">Where it runs; not captured.</param>
    /// <param name="folder">For its files, which are only readable to us.</param>
    /// <param name="mesh">The mesh to begin with.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="CommandException">It did not start.</exception>
    public static async Task<ControlPlaneProcess> StartAsync(
        string program, Pod pod, string folder, string mesh, CancellationToken cancellationToken)
    {
        var controlPlane = new ControlPlaneProcess(pod, folder);
        await File.WriteAllTextAsync(controlPlane.MeshFile, mesh, cancellationToken);
        await File.WriteAllTextAsync(controlPlane.TokenFile, "", cancellationToken);
        controlPlane._process = await pod.Namespace.StartAsync(new ProcessSpec(
            program,
            "--mesh", controlPlane.MeshFile,
            "--listen", controlPlane.Address,
            "--root", controlPlane.RootFile,
            "--tokens", controlPlane.TokenFile));
        await controlPlane._process.WaitForListenerAsync(Port, StartLimit, cancellationToken);
        return controlPlane;
    }

    /// <summary>
    /// The variables by which a proxy takes its mesh and its certificates from here. Issues its token.
    /// </summary>
    /// <param name="node">The node that it serves.</param>
    public async Task<Dictionary<string, string?>> VariablesAsync(TopologyNode node)
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var file = Path.Combine(_folder, $"token-{node.Name}");
        await File.WriteAllTextAsync(file, token);
        await File.AppendAllTextAsync(
            TokenFile, $"{token},system:serviceaccount:{NodeProxy.Namespace}:{NodeProxy.ServiceAccount}\n");
        return new()
        {
            ["XDS_ADDRESS"] = Address,
            ["XDS_ROOT_CA"] = RootFile,
            ["CA_ADDRESS"] = Address,
            ["CA_ROOT_CA"] = RootFile,
            ["AUTH_TOKEN"] = file,
        };
    }

    /// <summary>Changes the mesh and waits until the proxies have acknowledged all of it.</summary>
    /// <param name="mesh">The new one.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <param name="pods">Where the proxies run.</param>
    /// <exception cref="CheckFailedException">One of them has not within ten seconds.</exception>
    public async Task ApplyAsync(string mesh, CancellationToken cancellationToken, params Pod[] pods)
    {
        var since = Log.Count;
        var draft = $"{MeshFile}.new";
        await File.WriteAllTextAsync(draft, mesh, cancellationToken);
        File.Move(draft, MeshFile, overwrite: true); // whoever looks sees one or the other
        foreach (var pod in pods)
        {
            if (await Log.FirstWithinAsync(
                    line => line.Contains($": applied by ztunnel~{pod.IPv4}~", StringComparison.Ordinal),
                    since,
                    PushLimit,
                    cancellationToken) is null)
            {
                throw new CheckFailedException(
                    $"the proxy in {pod.Name} has not taken the new mesh; the control plane said: "
                    + string.Join("; ", Log.Since(since)));
            }
        }
    }

    /// <summary>Ends it; proxies go on with what they have.</summary>
    public Task StopAsync() => _process.StopAsync();

    private string Address => string.Create(CultureInfo.InvariantCulture, $"{_pod.IPv4}:{Port}");
}
