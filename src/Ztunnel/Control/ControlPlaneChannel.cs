using Grpc.Core;
using Grpc.Net.Client;
using Ztunnel.Config;

namespace Ztunnel.Control;

/// <summary>
/// gRPC to one control plane server for calls that are made now and then. When the file of roots has changed, the next
/// call goes out on a new connection, which those roots verify; calls under way finish on the old one.
/// </summary>
internal sealed class ControlPlaneChannel : IDisposable
{
    private readonly Uri _address;
    private readonly ControlPlaneOptions _server;
    private readonly ProxyOptions _options;
    private readonly ControlPlaneRoots _roots;
    private readonly Lock _gate = new();
    private Connected _current;

    /// <param name="address">Where the server is.</param>
    /// <param name="server">How it is verified.</param>
    /// <param name="options">For what XDS and CA have in common.</param>
    /// <exception cref="ControlPlaneException">The address cannot be used.</exception>
    public ControlPlaneChannel(Uri address, ControlPlaneOptions server, ProxyOptions options)
    {
        _address = address;
        _server = server;
        _options = options;
        _roots = new ControlPlaneRoots(server.RootCertificates);
        _current = Open();
    }

    /// <summary>Makes one call.</summary>
    /// <param name="call">Is given the invoker for as long as its task runs.</param>
    public async Task<T> UseAsync<T>(Func<CallInvoker, Task<T>> call)
    {
        var connected = Rent();
        try
        {
            return await call(connected.Invoker);
        }
        finally
        {
            Return(connected);
        }
    }

    /// <summary>Closes the connection when the last call is over.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            Return(_current);
        }
    }

    private Connected Rent()
    {
        lock (_gate)
        {
            if (_roots.TakeChange())
            {
                var old = _current;
                _current = Open();
                Return(old);
            }

            _current.Users++;
            return _current;
        }
    }

    private void Return(Connected connected)
    {
        lock (_gate)
        {
            connected.Users--;
            if (connected.Users == 0)
            {
                connected.Channel.Dispose();
            }
        }
    }

    private Connected Open() => new(GrpcChannel.ForAddress(_address, new GrpcChannelOptions
    {
        HttpHandler = ControlPlaneHandler.Create(_address, _server, _roots, _options),
        DisposeHttpClient = true,
        ThrowOperationCanceledOnCancellation = true,
    }));

    private sealed class Connected(GrpcChannel channel)
    {
        public GrpcChannel Channel { get; } = channel;

        public CallInvoker Invoker { get; } = channel.CreateCallInvoker();

        /// <summary>Calls under way, and one for being the current channel. Guarded by the owner's lock.</summary>
        public int Users { get; set; } = 1;
    }
}
