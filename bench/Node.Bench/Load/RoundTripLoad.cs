namespace Node.Bench.Load;

/// <summary>Round trips on many connections at once, each waiting for its own answer.</summary>
internal static class RoundTripLoad
{
    public static async Task<LoadResult> RunAsync(LoadOptions options)
    {
        var failures = new Failures();
        List<EchoClient> clients = [];
        try
        {
            for (var i = 0; i < options.Connections; i++)
            {
                clients.Add(EchoClient.Connect(options.Target, options.PayloadBytes));
            }

            var counters = await Task.WhenAll(clients.Select(client => RunAsync(client, options, failures)));
            return MeasuredCounter.Sum(counters, options, failures);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static async Task<MeasuredCounter> RunAsync(EchoClient client, LoadOptions options, Failures failures)
    {
        var counter = new MeasuredCounter(options);
        try
        {
            while (!counter.IsOver)
            {
                await client.RoundTripAsync();
                counter.Add();
            }
        }
        catch (Exception e) when (Failures.Concerns(e))
        {
            failures.Add(e);
        }

        return counter;
    }
}
