using ControlPlane;
using Ztunnel;
using Ztunnel.Mesh.Local;

try
{
    var options = ServerOptions.Parse(args);
    using var signals = new StopSignals();
    var file = MeshFile.Open(options.MeshFile, Console.Out);
    await using var server = await ControlPlaneServer.StartAsync(options, file.Mesh, Console.Out, signals.Stop);
    await Console.Out.WriteLineAsync($"serving {options.MeshFile} at {server.Address}");
    await file.FollowAsync(signals.Stop);
    return 0;
}
catch (Exception e) when (e is OptionException or LocalMeshException or IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
