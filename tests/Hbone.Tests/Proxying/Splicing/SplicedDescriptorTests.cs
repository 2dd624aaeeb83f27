using System.Net.Sockets;
using Hbone.Proxying.Splicing;

namespace Hbone.Tests.Proxying.Splicing;

/// <summary>Nothing else may open or close descriptors meanwhile.</summary>
[Collection(RunsAlone.Name)]
public sealed class SplicedDescriptorTests
{
    private const int Connections = 1_000;
    private const int AtATime = 8;
    private const int Length = 400_000;

    [Fact]
    public async Task ThousandConnections_LeaveNoDescriptor()
    {
        await RunAsync(AtATime); // what the first ones make stays
        var before = Descriptors();

        await RunAsync(Connections);

        await Eventually.TrueAsync(() => Descriptors() <= before);
    }

    private static async Task RunAsync(int connections)
    {
        using var pipes = new PipePool(64, TimeProvider.System);
        var left = connections;
        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                using var run = await SocketCopyRun.StartAsync(pipes);
                await SocketCopyRun.MoveAsync(run.Client, run.Server, Length);
                if (left % 3 == 0)
                {
                    run.ResetClient(); // some end in disorder
                }
                else
                {
                    run.Client.Shutdown(SocketShutdown.Send);
                    run.Server.Shutdown(SocketShutdown.Send);
                }

                await run.Result.WaitAsync(TestContext.Current.CancellationToken);
            }
        }));
        Assert.True(pipes.Moved > 0);
        Assert.InRange(pipes.Count, 1, 16);
    }

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
}
