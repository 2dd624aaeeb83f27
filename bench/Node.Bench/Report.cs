using System.Globalization;

namespace Node.Bench;

/// <summary>The results: lines for programs, a table for people.</summary>
internal static class Report
{
    /// <summary>
    /// <c>MEASURED</c>: one peer's median and spread. <c>RESULT</c>: our median and its ratio to another peer's.
    /// </summary>
    public static void WriteLines(Samples samples, IReadOnlyList<string> peers, TextWriter output)
    {
        foreach (var figure in Figure.All)
        {
            foreach (var peer in peers)
            {
                if (samples.Of(figure, peer) is { } values)
                {
                    output.WriteLine(
                        $"MEASURED {figure.Name} {Number(values.Median)} {figure.Unit} peer={peer} "
                        + $"min={Number(values.Smallest)} max={Number(values.Largest)} rounds={values.Rounds}");
                }
            }
        }

        var us = PeerNames.Ours(peers);
        foreach (var figure in Figure.All)
        {
            if (samples.Of(figure, us) is not { } ours)
            {
                continue;
            }

            foreach (var peer in peers.Where(peer => peer != us))
            {
                if (samples.Of(figure, peer) is { } theirs)
                {
                    output.WriteLine(
                        $"RESULT {figure.Name} {Number(ours.Median)} {figure.Unit} peer={peer} "
                        + $"ratio={Number(ours.Median / theirs.Median)}");
                }
            }
        }
    }

    /// <summary>
    /// Median and, in brackets, the spread of every peer; the last column is ours divided by HAProxy's.
    /// </summary>
    public static void WriteMarkdown(
        Samples samples, IReadOnlyList<string> peers, IReadOnlyList<string> machine, TextWriter output)
    {
        foreach (var line in machine)
        {
            output.WriteLine($"- {line}");
        }

        var (us, reference) = (PeerNames.Ours(peers), PeerNames.Reference(peers));
        output.WriteLine();
        output.WriteLine($"| figure | unit | {string.Join(" | ", peers)} | {us} / {reference} |");
        output.WriteLine($"|---|---|{string.Concat(Enumerable.Repeat("---|", peers.Count + 1))}");
        foreach (var figure in Figure.All)
        {
            var cells = peers.Select(peer => Cell(figure, samples.Of(figure, peer))).ToList();
            if (cells.Any(cell => cell.Length > 1))
            {
                output.WriteLine(
                    $"| {figure.Description} (`{figure.Name}`) | {figure.Unit} | {string.Join(" | ", cells)} | "
                    + $"{Ratio(samples.Of(figure, us), samples.Of(figure, reference))} |");
            }
        }
    }

    private static string Cell(Figure figure, Summary? summary) =>
        summary is { } values
            ? $"{Text(figure, values.Median)} ({Text(figure, values.Smallest)}-{Text(figure, values.Largest)})"
            : "-";

    private static string Ratio(Summary? ours, Summary? theirs) =>
        ours is { } a && theirs is { } b ? (a.Median / b.Median).ToString("0.00", CultureInfo.InvariantCulture) : "-";

    private static string Text(Figure figure, double value) =>
        value.ToString(figure.Format, CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
