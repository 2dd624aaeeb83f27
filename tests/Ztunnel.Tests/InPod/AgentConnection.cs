using System.Net.Sockets;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Redirection;
using Ztunnel.Protos.Zds;

namespace Ztunnel.Tests.InPod;

/// <summary>One connection of a proxy, seen from istio-cni.</summary>
internal sealed class AgentConnection(SeqpacketSocket socket) : IDisposable
{
    private readonly byte[] _buffer = new byte[4096];

    public Socket Socket => socket.Socket;

    public static byte[] AddBytes(string uid, string name = "pod", string @namespace = "default", string account = "sa") =>
        new WorkloadRequest
        {
            Add = new AddWorkload
            {
                Uid = uid,
                WorkloadInfo = new WorkloadInfo { Name = name, Namespace = @namespace, ServiceAccount = account },
            },
        }.ToByteArray();

    public static byte[] DeleteBytes(string uid) =>
        new WorkloadRequest { Del = new DelWorkload { Uid = uid } }.ToByteArray();

    public static byte[] KeepBytes(string uid) =>
        new WorkloadRequest { Keep = new KeepWorkload { Uid = uid } }.ToByteArray();

    public static byte[] SnapshotBytes() => new WorkloadRequest { SnapshotSent = new SnapshotSent() }.ToByteArray();

    /// <summary>The next packet; empty when the proxy has closed.</summary>
    public async Task<byte[]> ReadAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        try
        {
            var packet = await socket.ReceiveAsync(_buffer, limit.Token);
            Assert.False(packet.IsTruncated);
            return _buffer[..packet.Length];
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return []; // it had not read everything
        }
    }

    /// <summary>The hello, which is the first packet.</summary>
    public async Task ReadHelloAsync() => Assert.Equal([0x08, 0x01], await ReadAsync());

    /// <summary>Sends any bytes with any descriptors.</summary>
    public void Send(ReadOnlySpan<byte> bytes, params IReadOnlyList<SafeHandle> descriptors) =>
        RawPacket.Send(socket.Socket, bytes, descriptors);

    /// <summary>Sends, and returns the error of the answer; empty for done.</summary>
    public async Task<string> AskAsync(byte[] bytes, params SafeHandle[] descriptors)
    {
        Send(bytes, descriptors);
        var answer = await ReadAsync();
        Assert.NotEmpty(answer);
        var response = WorkloadResponse.Parser.ParseFrom(answer);
        Assert.Equal(WorkloadResponse.PayloadOneofCase.Ack, response.PayloadCase);
        return response.Ack.Error;
    }

    public Task<string> AddAsync(string uid, SafeHandle netns) => AskAsync(AddBytes(uid), netns);

    public Task<string> DeleteAsync(string uid) => AskAsync(DeleteBytes(uid));

    public Task<string> KeepAsync(string uid) => AskAsync(KeepBytes(uid));

    public Task<string> SnapshotAsync() => AskAsync(SnapshotBytes());

    public void Dispose() => socket.Dispose();
}
