using System.Text;
using Google.Protobuf;
using Microsoft.Win32.SafeHandles;
using Redirection;
using Ztunnel.Protos.Zds;
using WorkloadInfo = Ztunnel.Mesh.WorkloadInfo;

namespace Ztunnel.InPod;

/// <summary>
/// One connection to istio-cni: a hello of ours, then its requests, each answered by one packet before the next is read. One
/// packet is one message, at most 1,024 bytes.
/// </summary>
internal sealed class ZdsConnection : IDisposable
{
    private const int LongestPacket = 1024;

    // Leaves room for the fields around it: a packet of 1,024 bytes or more is an error over there.
    private const int LongestError = 1000;

    private readonly SeqpacketSocket _socket;
    private readonly byte[] _buffer = new byte[LongestPacket];

    private ZdsConnection(SeqpacketSocket socket) => _socket = socket;

    /// <summary>Connects, without a word yet.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">Nobody listens at the path.</exception>
    public static async Task<ZdsConnection> ConnectAsync(string path, CancellationToken cancellationToken) =>
        new(await SeqpacketSocket.ConnectAsync(path, cancellationToken));

    /// <summary>Says which version we speak.</summary>
    /// <exception cref="IOException">The other side has closed already.</exception>
    public void SayHello() => _socket.Send(new ZdsHello { Version = Protos.Zds.Version.V1 }.ToByteArray());

    /// <summary>Answers the request that was read last.</summary>
    /// <param name="error">Why it was not done; null for done. Cut to what a packet holds.</param>
    /// <exception cref="IOException">The other side has closed.</exception>
    public void Answer(string? error) =>
        _socket.Send(new WorkloadResponse { Ack = new Ack { Error = Shorten(error ?? "") } }.ToByteArray());

    /// <summary>Waits for the next request.</summary>
    /// <returns>The request; null when the other side has closed.</returns>
    /// <exception cref="ZdsException">The packet is not a request; what came with it is closed.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The connection is broken.</exception>
    /// <exception cref="IOException">As above.</exception>
    public async Task<ZdsRequest?> ReadAsync(CancellationToken cancellationToken)
    {
        var packet = await _socket.ReceiveAsync(_buffer, cancellationToken);
        var descriptors = packet.Descriptors ?? [];
        var taken = false;
        try
        {
            if (packet.Length == 0)
            {
                return null;
            }

            var request = Parse(packet, _buffer.AsSpan(0, packet.Length), descriptors);
            taken = request is ZdsRequest.Add;
            return request;
        }
        finally
        {
            foreach (var descriptor in taken ? [] : descriptors)
            {
                descriptor.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static ZdsRequest Parse(Packet packet, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeFileHandle> descriptors)
    {
        if (packet.IsTruncated)
        {
            throw new ZdsException("message or its descriptors truncated");
        }

        if (descriptors.Count > 1)
        {
            throw new ZdsException($"{descriptors.Count} descriptors where one at most is expected");
        }

        WorkloadRequest message;
        try
        {
            message = WorkloadRequest.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ZdsException($"cannot decode message: {e.Message}", e);
        }

        if (message.PayloadCase == WorkloadRequest.PayloadOneofCase.Add)
        {
            return AddOf(message.Add, descriptors);
        }

        if (descriptors.Count > 0)
        {
            throw new ZdsException($"unexpected descriptor with {message.PayloadCase}");
        }

        return message.PayloadCase switch
        {
            WorkloadRequest.PayloadOneofCase.Del => new ZdsRequest.Delete(message.Del.Uid),
            WorkloadRequest.PayloadOneofCase.Keep => new ZdsRequest.Keep(message.Keep.Uid),
            WorkloadRequest.PayloadOneofCase.SnapshotSent => new ZdsRequest.SnapshotSent(),
            _ => throw new ZdsException("no payload that is known"),
        };
    }

    private static ZdsRequest AddOf(AddWorkload add, IReadOnlyList<SafeFileHandle> descriptors)
    {
        if (descriptors is not [var descriptor])
        {
            throw new ZdsException("no network namespace came with the workload");
        }

        try
        {
            var info = add.WorkloadInfo is { } given
                ? new WorkloadInfo(given.Name, given.Namespace, given.ServiceAccount)
                : null;
            return new ZdsRequest.Add(add.Uid, info, Netns.FromHandle(descriptor, $"of pod {add.Uid}"));
        }
        catch (IOException e)
        {
            // Concerns this pod alone: beginning anew would keep the others of a snapshot waiting for ever.
            return new ZdsRequest.AddWithoutNetns(add.Uid, e.Message);
        }
    }

    private static string Shorten(string error)
    {
        if (Encoding.UTF8.GetByteCount(error) <= LongestError)
        {
            return error;
        }

        // A cut inside of a character leaves a replacement, which is left away too.
        var bytes = Encoding.UTF8.GetBytes(error);
        return Encoding.UTF8.GetString(bytes, 0, LongestError - 3).TrimEnd('\uFFFD') + "...";
    }
}
