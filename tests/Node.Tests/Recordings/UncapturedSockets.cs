using System.Net;
using System.Net.Sockets;
using Redirection;
using Redirection.Rules;
using Ztunnel.Demo;

namespace Node.Tests.Recordings;

/// <summary>Connections of a captured pod that bypass its proxy.</summary>
internal static class UncapturedSockets
{
    /// <summary>Connects with the mark of the pod's own proxy, which the redirection rules let pass.</summary>
    public static async Task<Socket> ConnectUncapturedAsync(
        this Pod pod, IPEndPoint destination, CancellationToken cancellationToken)
    {
        using var netns = pod.OpenNetns();
        var socket = netns.CreateTcpSocket(destination.AddressFamily);
        try
        {
            Assert.True(socket.TrySetMark(InPodRules.ProxyMark, out var error), $"{error}");
            await socket.ConnectAsync(destination, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
