using Google.Protobuf;
using Redirection;
using Ztunnel.Protos.Zds;

namespace Ztunnel.Tests.Cni;

/// <summary>A proxy that does exactly what the test says.</summary>
internal sealed class ScriptedProxy : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30); // until a test that hangs is given up

    private readonly byte[] _buffer = new byte[1024];

    private ScriptedProxy(SeqpacketSocket socket) => Socket = socket;

    public SeqpacketSocket Socket { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ScriptedProxy> ConnectAsync(string path) =>
        new(await SeqpacketSocket.ConnectAsync(path, Token));

    /// <summary>Connects, says hello and takes the snapshot.</summary>
    public static async Task<ScriptedProxy> EnrolAsync(string path)
    {
        var proxy = await ConnectAsync(path);
        proxy.Hello();
        while ((await proxy.ReadAsync()).PayloadCase is not WorkloadRequest.PayloadOneofCase.SnapshotSent)
        {
            proxy.Ack();
        }

        proxy.Ack();
        return proxy;
    }

    public void Hello() => Socket.Send([0x08, 0x01]);

    public void Ack(string error = "") =>
        Socket.Send(new WorkloadResponse { Ack = new Ack { Error = error } }.ToByteArray());

    /// <summary>The next request. The namespace that came with an add must be the process's own, with a descriptor of its own.</summary>
    public async Task<WorkloadRequest> ReadAsync()
    {
        var packet = await Socket.ReceiveAsync(_buffer, Token).AsTask().WaitAsync(Limit, Token);
        Assert.NotEqual(0, packet.Length);
        Assert.False(packet.IsTruncated);
        var request = WorkloadRequest.Parser.ParseFrom(_buffer, 0, packet.Length);
        if (request.PayloadCase is WorkloadRequest.PayloadOneofCase.Add)
        {
            using var netns = Netns.FromHandle(Assert.Single(packet.Descriptors!), "passed");
            using var own = Netns.OpenCurrent();
            Assert.Equal(own.Identity, netns.Identity);
        }
        else
        {
            Assert.Empty(packet.Descriptors!);
        }

        return request;
    }

    /// <summary>Waits for the end of the connection; nothing else may come before.</summary>
    public async Task AssertClosedAsync() =>
        Assert.Equal(0, (await Socket.ReceiveAsync(_buffer, Token).AsTask().WaitAsync(Limit, Token)).Length);

    public void Dispose() => Socket.Dispose();
}
