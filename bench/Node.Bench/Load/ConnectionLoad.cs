namespace Node.Bench.Load;

/// <summary>New connections, each for one round trip; every thread opens the next when the last is closed.</summary>
internal static class ConnectionLoad
{
    public static LoadResult Run(LoadOptions options)
    {
        var failures = new Failures();
        var counters = Enumerable.Range(0, options.Connections).Select(_ => new MeasuredCounter(options)).ToList();
        var threads = counters.Select(counter => new Thread(() => Run(counter, options, failures))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        return MeasuredCounter.Sum(counters, options, failures);
    }

    private static void Run(MeasuredCounter counter, LoadOptions options, Failures failures)
    {
        while (!counter.IsOver)
        {
            try
            {
                using var client = EchoClient.Connect(options.Target, options.PayloadBytes);
                client.RoundTrip();
                counter.Add();
            }
            catch (Exception e) when (Failures.Concerns(e))
            {
                failures.Add(e);
            }
        }
    }
}
