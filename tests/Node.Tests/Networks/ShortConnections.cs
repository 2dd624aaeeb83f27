using System.Globalization;

namespace Node.Tests.Networks;

/// <summary>Many connections that each ask one thing: whoever cuts a tunnel short at its end loses an answer.</summary>
internal static class ShortConnections
{
    private const int AtOnce = 8;

    /// <summary>Asks the far echo server so often, and that every answer is whole.</summary>
    public static Task RunAsync(TwoNetworks networks, int count, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (i, stopped) =>
            {
                var text = i.ToString("D11", CultureInfo.InvariantCulture);
                Assert.Equal(text + text, await networks.AskAsync(FarServices.Echo, text, stopped));
            });
}
