using System.Diagnostics;
using System.Threading.Channels;
using Grpc.Core;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;

namespace Mesh.Scale.ControlPlane;

/// <summary>The server's end of one delta stream. One caller pushes at a time.</summary>
internal sealed class PushStream(
    IAsyncStreamReader<DeltaDiscoveryRequest> requests, IServerStreamWriter<byte[]> responses, ServerCallContext context)
{
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;

    /// <summary>How many addresses the client claimed to hold.</summary>
    public int Claimed { get; private set; }

    /// <summary>Bytes of the first two requests.</summary>
    public int RequestBytes { get; private set; }

    /// <summary>Reads the two first requests.</summary>
    public async Task OpenAsync()
    {
        for (var i = 0; i < 2 && await requests.MoveNext(context.CancellationToken); i++)
        {
            var request = requests.Current;
            RequestBytes += request.CalculateSize();
            if (request.TypeUrl == TypeUrls.Address)
            {
                Claimed = request.InitialResourceVersions.Count;
            }
        }
    }

    /// <summary>Runs until <see cref="End"/>.</summary>
    public Task RunAsync()
    {
        _reading = ReadAsync(); // the call's end ends it, so that it cannot be awaited before
        return _end.Task;
    }

    /// <summary>Ends the stream as a server does that goes away.</summary>
    public void End() => _end.TrySetResult();

    /// <summary>Sends a response and waits until it is acknowledged.</summary>
    /// <returns>From the first byte to the answer, and the size of the message.</returns>
    public async Task<(TimeSpan Time, int Bytes)> PushAsync(EncodedPush push)
    {
        var started = Stopwatch.GetTimestamp();
        await responses.WriteAsync(push.Bytes, context.CancellationToken);
        while (await _answers.Reader.ReadAsync(context.CancellationToken) != push.Nonce)
        {
        }

        return (Stopwatch.GetElapsedTime(started), push.Bytes.Length);
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
                if (requests.Current.ErrorDetail is { } error)
                {
                    await Console.Error.WriteLineAsync($"rejected: {error.Message}");
                }

                await _answers.Writer.WriteAsync(requests.Current.ResponseNonce);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The client has gone, or the stream has been ended.
        }
    }
}
