using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Cni;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>The image's root, started with the rights that the DaemonSet gives and nothing else; node-integration 4.1 and 4.5.</summary>
public sealed class ImageTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private Topology? _topology;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Topology Topology => _topology!;

    private string Root => Path.Combine(Topology.Folder, "image");

    private string SocketFolder => Path.Combine(Topology.Folder, "run");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(
            File.Exists($"{ProxyBinary.Path}.dll"), "an image is made of the shipped binary: name it in ZTUNNEL_BINARY");
        _topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        Directory.CreateDirectory(SocketFolder);
        (await ChildProcess.RunAsync(new ProcessSpec(Script("image-root.sh"), ProxyBinary.Path, Root), Limit, Token))
            .Succeeded();
    }

    public async ValueTask DisposeAsync()
    {
        if (_topology is not null)
        {
            await _topology.DisposeAsync();
        }
    }

    [Fact]
    public async Task Root_Version_Runs()
    {
        var result = await ChildProcess.RunAsync(Start("version"), Limit, Token);

        Assert.StartsWith("version.BuildInfo{", result.Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Root_EveryPackageWithAFileInIt_HasItsLicence()
    {
        var libraries = Directory.EnumerateFiles(Root, "*.so*", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/etc/", StringComparison.Ordinal));
        var licences = Directory.EnumerateDirectories(Path.Combine(Root, "usr/share/doc"))
            .Where(folder => Directory.EnumerateFiles(folder).Any(file => new FileInfo(file).Length > 0))
            .Select(folder => Path.GetFileName(folder)!)
            .ToHashSet();
        Assert.Contains("ztunnel", licences);
        foreach (var library in libraries)
        {
            var path = library[Root.Length..];
            var owner = await ChildProcess.RunAsync(
                new ProcessSpec("sh", "-c", "dpkg-query -S \"$1\" \"/usr$1\" 2>/dev/null | cut -d: -f1", "sh", path), Limit, Token);
            Assert.Contains(owner.Output.Split('\n')[0], licences);
        }
    }

    [Fact]
    public void Root_ListOfParts_NamesWhatIsInIt()
    {
        using var list = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Root, "usr/share/doc/ztunnel/sbom.cdx.json")));
        var parts = list.RootElement.GetProperty("components").EnumerateArray()
            .ToDictionary(part => part.GetProperty("name").GetString()!, part => part.GetProperty("purl").GetString()!);

        Assert.Equal("CycloneDX", list.RootElement.GetProperty("bomFormat").GetString());
        Assert.All(
            (string[])["Google.Protobuf", "Grpc.Net.Client", "YamlDotNet"],
            name => Assert.StartsWith($"pkg:nuget/{name}@", parts[name], StringComparison.Ordinal));
        Assert.Contains(parts.Keys, name => name.StartsWith("Microsoft.NETCore.App.Runtime.NativeAOT.", StringComparison.Ordinal));
        Assert.Contains(parts.Keys, name => name.StartsWith("libssl3", StringComparison.Ordinal));
        Assert.Contains("libc6", parts.Keys);
        Assert.Contains("ca-certificates", parts.Keys);
        Assert.DoesNotContain("Grpc.Tools", parts.Keys); // runs at build only
        foreach (var (name, address) in parts)
        {
            var folder = address.StartsWith("pkg:nuget/", StringComparison.Ordinal) ? name.ToLowerInvariant() : name;
            Assert.True(new FileInfo(Path.Combine(Root, "usr/share/doc", folder, "copyright")) is { Exists: true, Length: > 0 }, name);
        }
    }

    [Fact]
    public void Root_HasOneProgram_AndNoShell()
    {
        var programs = Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
#pragma warning disable CA1416 // the proxy runs on Linux only
            .Where(path => File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute))
#pragma warning restore CA1416
            .Select(path => path[Root.Length..])
            .Where(path => !Path.GetFileName(path).Contains(".so", StringComparison.Ordinal));

        Assert.Equal(["/usr/local/bin/ztunnel"], programs);
        Assert.DoesNotContain((string[])["bin", "sbin", "usr/bin", "usr/sbin"], folder => Path.Exists(Path.Combine(Root, folder)));
    }

    [Fact]
    public async Task Z3_Z6_Proxy_WithTheRightsOfTheDaemonSet_ServesThePodsItIsGiven()
    {
        var node = await Topology.AddNodeAsync("node", Token);
        var own = await Topology.AddPodAsync(node, "ztunnel", Token);
        var pod = await Topology.AddPodAsync(node, "client", Token);
        var manifest = DaemonSetManifest.Read();
        var environment = manifest.EnvironmentOf(own, node.Name);
        environment["CA_ADDRESS"] = "";
        environment["XDS_ADDRESS"] = "";
        environment["FAKE_CA"] = "true";
        environment["LOCAL_CA_DIR"] = "/tmp/ca";
        environment["LOCAL_XDS"] = "workloads: []\n";

        var proxy = await own.Namespace.StartAsync(Start([.. manifest.Arguments]) with
        {
            Environment = environment,
            InheritEnvironment = false,
        });
        await WaitForReadinessAsync(own, proxy, "not ready, pending: workload proxy manager");
        AssertRights(proxy.Id, manifest);

        await using var server = await CniServer.StartAsync(
            new CniServerOptions { Path = Path.Combine(SocketFolder, "ztunnel.sock") },
            TimeProvider.System,
            NullLogger<CniServer>.Instance,
            Token);
        await server.AddAsync(new CniPod("later", "gone", "default", "client", Netns: null), Token);
        await WaitForReadinessAsync(own, proxy, "ready");
        await server.AddAsync(new CniPod("uid-1", "client", "default", "client", pod.OpenNetns()), Token);

        Assert.Equal([15001, 15006, 15008], (await Listeners.OfAsync(pod, Token)).Intersect([15001, 15006, 15008]).Order());
        Assert.Equal(0, await proxy.StopAsync());
        Assert.Empty(await Listeners.OfAsync(pod, Token));
    }

    private static string Script(string name) => Path.Combine(Fixture.RepositoryRoot, "scripts", name);

    private ProcessSpec Start(params string[] arguments) => new([Script("image-run.sh"), Root, SocketFolder, .. arguments]);

    private static async Task WaitForReadinessAsync(Pod own, ChildProcess proxy, string wanted)
    {
        var started = Stopwatch.GetTimestamp();
        var answer = "";
        while (answer != wanted)
        {
            Assert.False(proxy.HasExited, $"the proxy ended: {proxy.Error} {proxy.Output}");
            Assert.True(Stopwatch.GetElapsedTime(started) < Limit, $"'{answer}', expected '{wanted}': {proxy.Output}");
            var curl = new ProcessSpec("curl", "-s", "--max-time", "2", "http://127.0.0.1:15021/healthz/ready");
            answer = (await own.Namespace.RunAsync(curl, Token)).Output.Trim();
        }
    }

    private static void AssertRights(int processId, DaemonSetManifest manifest)
    {
        var process = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        var status = File.ReadLines($"{process}/status").Select(line => line.Split(':', 2))
            .ToDictionary(pair => pair[0], pair => pair[1].Trim());
        var rights = manifest.CapabilityMask.ToString("x16", CultureInfo.InvariantCulture);
        Assert.Equal(rights, status["CapBnd"]);
        Assert.Equal(rights, status["CapEff"]);
        Assert.Equal(rights, status["CapPrm"]);
        Assert.Equal($"{0:x16}", status["CapAmb"]);
        Assert.Equal($"{0:x16}", status["CapInh"]);
        Assert.Equal(Enumerable.Repeat(manifest.User, 4), status["Uid"].Split('\t'));
        Assert.Equal(Enumerable.Repeat(manifest.Group, 4), status["Gid"].Split('\t'));
        Assert.Equal("", status["Groups"]);
        Assert.Equal(
            new DirectoryInfo($"{process}/root").LinkTarget, new DirectoryInfo($"{process}/cwd").LinkTarget);

        foreach (var folder in (string[])["", "etc", "usr/local/bin", "var/run", "dev"])
        {
            var error = Assert.Throws<IOException>(
                () => File.WriteAllText($"{process}/root/{folder}/probe", ""));
            Assert.Contains("Read-only file system", error.Message, StringComparison.Ordinal);
        }

        foreach (var folder in (string[])["tmp", "var/run/ztunnel"])
        {
            var probe = $"{process}/root/{folder}/probe";
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
    }
}
