using Node.Bench;
using Node.Bench.Failover;
using Node.Bench.Load;
using Node.Bench.Peers;
using Node.Bench.Pods;

// The first four are this program started again inside a pod; everything else is the benchmark.
return args switch
{
    [EchoServer.Command, var port] => await EchoServer.RunAsync(port),
    [Gateway.Command, .. var rest] => await Gateway.RunAsync(rest),
    [LoadCommand.Command, .. var rest] => await LoadCommand.RunAsync(rest),
    [NewConnections.Command, var target, var connections] => NewConnections.Run(target, connections),
    [FailoverCommand.Command, var binary, var rounds, var connections] =>
        await FailoverCommand.RunAsync(binary, rounds, connections),
    [PodsCommand.Command, .. var rest] => await PodsCommand.RunAsync(rest),
    _ => await BenchCommand.RunAsync(args),
};
