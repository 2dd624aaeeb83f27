namespace Ztunnel.Demo;

/// <summary>A named network namespace we made, and what is started in it.</summary>
internal sealed class NetworkNamespace : IAsyncDisposable
{
    /// <summary>Where <c>ip netns</c> keeps names.</summary>
    internal const string Folder = "/run/netns";

    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(20);

    private readonly Lock _lock = new();
    private readonly List<ChildProcess> _children = [];

    private NetworkNamespace(string name) => Name = name;

    /// <summary>Its name under <c>/run/netns</c>.</summary>
    public string Name { get; }

    /// <summary>The file that opens it.</summary>
    public string Path => System.IO.Path.Combine(Folder, Name);

    /// <summary>What programs in it find as <c>/etc/resolv.conf</c>; <see langword="null"/> is the machine's own.</summary>
    public string? ResolverFile { get; init; }

    /// <summary>Makes a namespace with these <c>sysctl</c> settings, <c>lo</c> up and nothing else in it.</summary>
    public static async Task<NetworkNamespace> CreateAsync(
        string name, IReadOnlyList<string> settings, CancellationToken cancellationToken, string? resolverFile = null)
    {
        var made = new NetworkNamespace(name) { ResolverFile = resolverFile };
        try
        {
            var add = new ProcessSpec("ip", "netns", "add", name);
            (await ChildProcess.RunAsync(add, CommandLimit, cancellationToken)).Succeeded();
            (await made.RunAsync(new ProcessSpec(["sysctl", "-q", "-w", .. settings]), cancellationToken)).Succeeded();
            await made.IpAsync(["link set lo up"], cancellationToken);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a program in it that is killed with the namespace at the latest.</summary>
    public async Task<ChildProcess> StartAsync(ProcessSpec spec)
    {
        var child = await ChildProcess.StartAsync(Within(spec));
        lock (_lock)
        {
            _children.RemoveAll(old => old.HasExited);
            _children.Add(child);
        }

        return child;
    }

    /// <summary>Runs a program in it to its end, at most <paramref name="limit"/> (20 s when not given).</summary>
    public Task<CommandResult> RunAsync(
        ProcessSpec spec, CancellationToken cancellationToken, TimeSpan? limit = null) =>
        ChildProcess.RunAsync(Within(spec), limit ?? CommandLimit, cancellationToken);

    /// <summary>Runs <c>ip</c> commands in it, all in one process.</summary>
    public async Task IpAsync(IReadOnlyList<string> commands, CancellationToken cancellationToken)
    {
        var spec = new ProcessSpec("ip", "-n", Name, "-batch", "-") { Input = string.Join('\n', commands) + '\n' };
        (await ChildProcess.RunAsync(spec, CommandLimit, cancellationToken)).Succeeded();
    }

    /// <summary>Kills what was started in it, then deletes it.</summary>
    public async ValueTask DisposeAsync()
    {
        ChildProcess[] children;
        lock (_lock)
        {
            children = [.. _children];
            _children.Clear();
        }

        foreach (var child in children)
        {
            await child.DisposeAsync();
        }

        await DeleteAsync(Name);
    }

    /// <summary>Deletes a namespace by name; one that is gone already is fine.</summary>
    internal static Task DeleteAsync(string name) =>
        ChildProcess.RunAsync(new ProcessSpec("ip", "netns", "delete", name), CommandLimit, CancellationToken.None);

    private ProcessSpec Within(ProcessSpec spec) => spec with { Namespace = Name, ResolverFile = ResolverFile };
}
