using Node.Bench;
using Node.Bench.Load;
using Node.Bench.Peers;
using Node.Bench.Pods;

// The first three are this program started again inside a pod; everything else is the benchmark.
return args switch
{
    [EchoServer.Command, var port] => await EchoServer.RunAsync(port),
    [Gateway.Command, .. var rest] => await Gateway.RunAsync(rest),
    [LoadCommand.Command, .. var rest] => await LoadCommand.RunAsync(rest),
    [PodsCommand.Command, .. var rest] => await PodsCommand.RunAsync(rest),
    _ => await BenchCommand.RunAsync(args),
};
