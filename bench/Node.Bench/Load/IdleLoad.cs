namespace Node.Bench.Load;

/// <summary>
/// Connections that have carried one round trip and then stay open and silent until standard input ends.
/// </summary>
internal static class IdleLoad
{
    private const int Threads = 8;

    public static LoadResult Run(LoadOptions options)
    {
        var clients = new EchoClient[options.Connections];
        try
        {
            Parallel.For(0, clients.Length, new ParallelOptions { MaxDegreeOfParallelism = Threads }, i =>
            {
                clients[i] = EchoClient.Connect(options.Target, options.PayloadBytes);
                clients[i].RoundTrip();
            });
            LoadCommand.Print(new LoadResult { Total = clients.Length });
            Console.In.ReadToEnd();
            return new LoadResult { Total = clients.Length };
        }
        finally
        {
            Array.ForEach(clients, client => client?.Dispose());
        }
    }
}
