using System.Diagnostics;

namespace Node.Bench.Load;

/// <summary>Tries one round trip again and again until it works: the path from client to server is up then.</summary>
internal static class Probe
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ReceiveTimeout = TimeSpan.FromSeconds(2);

    public static LoadResult Run(LoadOptions options)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var client = EchoClient.Connect(options.Target, options.PayloadBytes, ReceiveTimeout);
                client.RoundTrip();
                return new LoadResult { Total = 1 };
            }
            catch (Exception e) when (Failures.Concerns(e) && Stopwatch.GetElapsedTime(started) < options.Duration)
            {
                Thread.Sleep(Pause);
            }
        }
    }
}
