using System.Net;
using System.Net.Sockets;

namespace Node.Tests.InPod;

/// <summary>What clients say to servers that answer everything twice.</summary>
internal static class EchoCalls
{
    public const string Hello = "hello world";
    public const string Answer = Hello + Hello;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>One whole connection; everything that came back.</summary>
    public static async Task<string> AskAsync(this MeshPod client, IPAddress address, int port)
    {
        using var socket = await client.ConnectAsync(address, port, Token);
        await socket.SendTextAsync(Hello, Token);
        socket.Shutdown(SocketShutdown.Send);
        return await socket.ReceiveToEndAsync(Token).WaitAsync(Limit, Token);
    }

    /// <summary>One question and its answer on a connection that stays open.</summary>
    public static async Task ExchangeAsync(Socket connection)
    {
        await connection.SendTextAsync(Hello, Token);
        Assert.Equal(Answer, await connection.ReceiveTextAsync(Answer.Length, Token).WaitAsync(Limit, Token));
    }

    /// <summary>What arrives before the end or the reset, which has to come unless so much has arrived.</summary>
    public static async Task<string> EndOfAsync(Socket socket, string text = "", int enough = int.MaxValue)
    {
        var answer = "";
        try
        {
            await socket.SendTextAsync(text, Token);
            while (answer.Length < enough
                && await socket.ReceiveTextAsync(1, Token).WaitAsync(Limit, Token) is { Length: > 0 } character)
            {
                answer += character;
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Broken off, with whatever came before.
        }

        return answer;
    }

    /// <summary>Waits until a condition holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Limit, $"not in time: {what}");
            await Task.Delay(50, Token);
        }
    }
}
