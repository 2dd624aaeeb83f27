using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Node.Bench.Load;

namespace Node.Bench.Failover;

/// <summary>What a number of new connections came to, one round trip each.</summary>
/// <param name="Served">Those whose bytes came back.</param>
/// <param name="Failed">The others.</param>
/// <param name="MedianMilliseconds">Of all, from the connect to the answer or the failure.</param>
/// <param name="P99Milliseconds">The same that one of hundred exceeds.</param>
internal sealed record NewConnections(int Served, int Failed, double MedianMilliseconds, double P99Milliseconds)
{
    /// <summary>The argument that starts it inside of a pod: target and number of connections follow.</summary>
    public const string Command = "new-connections";

    private const int Threads = 8;
    private const int PayloadBytes = 64;

    /// <returns>0. The result is one line of JSON on standard output.</returns>
    public static int Run(string target, string connections)
    {
        var endpoint = IPEndPoint.Parse(target);
        var left = int.Parse(connections, CultureInfo.InvariantCulture);
        var times = new ConcurrentBag<double>();
        var served = 0;
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(Connect)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        double[] sorted = [.. times.Order()];
        Console.Out.WriteLine(JsonSerializer.Serialize(new NewConnections(
            served, sorted.Length - served, sorted[sorted.Length / 2], sorted[sorted.Length * 99 / 100])));
        return 0;

        void Connect()
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var began = Stopwatch.GetTimestamp();
                try
                {
                    using var client = EchoClient.Connect(endpoint, PayloadBytes);
                    client.RoundTrip();
                    Interlocked.Increment(ref served);
                }
                catch (Exception e) when (Failures.Concerns(e))
                {
                    // Counted by what is missing.
                }

                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        }
    }
}
