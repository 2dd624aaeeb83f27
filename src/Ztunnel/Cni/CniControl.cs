using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Redirection;
using Ztunnel.Cli;

namespace Ztunnel.Cni;

/// <summary>
/// Steers a <see cref="CniServer"/> by lines of text: <c>add</c>, <c>del</c>, <c>keep</c>, <c>list</c>. Each is answered
/// by one line <c>ok</c>, which is an ack without error, or <c>error: </c> and the reason.
/// </summary>
/// <param name="server">Lent.</param>
internal sealed class CniControl(CniServer server)
{
    private const int LongestLine = 4096; // bytes
    private const string AddUsage =
        "add NETNS [--uid UID] --name NAME --namespace NAMESPACE --service-account ACCOUNT";

    /// <summary>Answers the lines of one input until it ends or sends one that is too long.</summary>
    /// <param name="input">Lent. A read that is waiting when the token fires is abandoned.</param>
    /// <param name="output">Lent.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="IOException">The other side does not take answers any more.</exception>
    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(input, new StreamPipeReaderOptions(leaveOpen: true));
        var goOn = true;
        while (goOn)
        {
            // Standard input does not know of tokens.
            var result = await reader.ReadAsync(cancellationToken).AsTask().WaitAsync(cancellationToken);
            var buffer = result.Buffer;
            while (TryTakeLine(ref buffer, result.IsCompleted, out var line))
            {
                await AnswerAsync(output, await ExecuteAsync(line, cancellationToken), cancellationToken);
            }

            var isTooLong = buffer.Length > LongestLine;
            if (isTooLong)
            {
                await AnswerAsync(output, $"error: a line has more than {LongestLine} bytes", cancellationToken);
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            goOn = !isTooLong && !result.IsCompleted;
        }

        await reader.CompleteAsync();
    }

    /// <summary>Does what one line says. Never fails but by the token.</summary>
    public async Task<string> ExecuteAsync(string line, CancellationToken cancellationToken)
    {
        try
        {
            switch (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            {
                case []:
                    return "";
                case ["add", .. var arguments]:
                    await server.AddAsync(ReadPod(arguments), cancellationToken);
                    return "ok";
                case ["del", var uid]:
                    await server.DeleteAsync(uid, cancellationToken);
                    return "ok";
                case ["keep", var uid]:
                    await server.AddAsync(Known(uid) with { Netns = null }, cancellationToken);
                    return "ok";
                case ["list"]:
                    return List();
                default:
                    return $"error: expected '{AddUsage}', 'del UID', 'keep UID' or 'list'";
            }
        }
        catch (Exception e) when (e is UsageException or CniException or ArgumentException or IOException)
        {
            return $"error: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    /// <summary>Opens what <c>add</c> names. The uid is the name of the namespace when there is none.</summary>
    internal static CniPod ReadPod(IReadOnlyList<string> arguments)
    {
        string? netns = null, uid = null, name = null, @namespace = null, account = null;
        var reader = new ArgumentReader(arguments);
        while (reader.TryRead(out var argument))
        {
            switch (argument)
            {
                case "--uid":
                    uid = reader.ReadValue(argument);
                    break;
                case "--name":
                    name = reader.ReadValue(argument);
                    break;
                case "--namespace":
                    @namespace = reader.ReadValue(argument);
                    break;
                case "--service-account":
                    account = reader.ReadValue(argument);
                    break;
                default:
                    netns = netns is null && !argument.StartsWith('-')
                        ? argument
                        : throw ArgumentReader.Unexpected(argument, AddUsage);
                    break;
            }
        }

        return netns is null || name is null || @namespace is null || account is null
            ? throw new UsageException($"something is missing: {AddUsage}")
            : new CniPod(uid ?? netns, name, @namespace, account, Netns.Open(NetnsPath.Of(netns)));
    }

    // Known from before, or the uid alone: there is nothing else in the message.
    private CniPod Known(string uid) =>
        server.Pods.FirstOrDefault(pod => pod.Uid == uid) ?? new CniPod(uid, "-", "-", "-", Netns: null);

    private string List()
    {
        var text = new StringBuilder();
        foreach (var pod in server.Pods)
        {
            text.Append(
                null, $"pod {pod.Uid} {pod.Netns?.Name ?? "-"} {pod.Namespace}/{pod.Name}/{pod.ServiceAccount}\n");
        }

        return text.Append(null, $"proxies {server.ConnectionCount}\nok").ToString();
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, bool isLast, out string line)
    {
        var end = buffer.PositionOf((byte)'\n');
        if (end is null && (!isLast || buffer.IsEmpty || buffer.Length > LongestLine))
        {
            line = "";
            return false;
        }

        var bytes = end is null ? buffer : buffer.Slice(0, end.Value);
        line = Encoding.UTF8.GetString(bytes);
        buffer = end is null ? buffer.Slice(buffer.End) : buffer.Slice(buffer.GetPosition(1, end.Value));
        return true;
    }

    private static async Task AnswerAsync(Stream output, string answer, CancellationToken cancellationToken)
    {
        if (answer.Length > 0)
        {
            await output.WriteAsync(Encoding.UTF8.GetBytes(answer + '\n'), cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
    }
}
