using Node.Bench;
using Node.Bench.Load;
using Node.Bench.Pods;

// The first two are this program started again inside a pod; everything else is the benchmark.
return args switch
{
    [EchoServer.Command, var port] => await EchoServer.RunAsync(port),
    [LoadCommand.Command, .. var rest] => await LoadCommand.RunAsync(rest),
    [PodsCommand.Command, .. var rest] => await PodsCommand.RunAsync(rest),
    _ => await BenchCommand.RunAsync(args),
};
