using Ztunnel.Inspect;

namespace Ztunnel.Cli;

/// <summary>
/// <c>ztunnel workloads</c>, <c>services</c>, <c>policies</c>, <c>certificates</c> and <c>connections</c>: what
/// <c>istioctl ztunnel-config</c> shows of a proxy, on the node and without a cluster to ask.
/// </summary>
internal static class InspectCommand
{
    /// <summary>Runs it with the clock of this machine.</summary>
    /// <inheritdoc cref="RunAsync(IReadOnlyList{string}, TextWriter, TextWriter, TimeProvider, CancellationToken)"/>
    public static Task<int> RunAsync(
        IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        RunAsync(arguments, output, error, TimeProvider.System, cancellationToken);

    /// <summary>Runs it. Nothing is printed before the whole dump was read.</summary>
    /// <param name="arguments">The command and what follows it.</param>
    /// <param name="output">Gets the table or list.</param>
    /// <param name="error">Gets one line on what is wrong.</param>
    /// <param name="time">Tells which certificates are valid, and how long nothing came.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>Exit code: 0 if it worked.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments,
        TextWriter output,
        TextWriter error,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        try
        {
            var options = InspectOptions.Parse(arguments, time);
            var view = options.View;
            var dump = await ReadAsync(options, time, cancellationToken);
            var text = new ChunkedText(output);
            await (options.Format switch
            {
                InspectFormat.Json => RecordPrinter.WriteJsonAsync(view.Records(dump), text, cancellationToken),
                InspectFormat.Yaml => RecordPrinter.WriteYamlAsync(view.Records(dump), text, cancellationToken),
                _ => view.Table(dump).WriteToAsync(text, cancellationToken),
            });
            await text.FlushAsync(cancellationToken);
            return 0;
        }
        catch (Exception e) when (e is UsageException or DumpException or IOException)
        {
            await error.WriteLineAsync(TextTable.Printable(e.Message)); // some of it may come from the server
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await error.WriteLineAsync("stopped before the end");
            return 130;
        }
    }

    private static async Task<DumpContents> ReadAsync(
        InspectOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var source = new DumpSource(options.Admin, options.File, time);
        var wanted = options.Format is InspectFormat.Table ? options.View.TableSections : options.View.RecordSections;
        try
        {
            return await source.ReadAsync(wanted, cancellationToken);
        }
        catch (DumpException e)
        {
            throw new DumpException($"{source.Name}: {e.Message}");
        }
    }
}
