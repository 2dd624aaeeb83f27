using Mesh.Scale;
using Mesh.Scale.ControlPlane;
using Mesh.Scale.Load;
using Node.Bench.Load;

// The first three are this program started again inside a pod; everything else is the benchmark.
return args switch
{
    [EchoServer.Command, var port] => await EchoServer.RunAsync(port),
    [ControlPlaneCommand.Name, .. var rest] => await ControlPlaneCommand.RunAsync(rest),
    [PacedLoadCommand.Name, .. var rest] => await PacedLoadCommand.RunAsync(rest),
    _ => await ScaleCommand.RunAsync(args),
};
