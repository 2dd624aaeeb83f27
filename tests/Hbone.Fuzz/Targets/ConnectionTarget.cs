using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Memory;

namespace Hbone.Fuzz.Targets;

/// <summary>
/// A whole connection in one role: a peer says the input in pieces, applications use the streams, and in the end
/// everybody knows that it is over and nothing is left.
/// </summary>
internal sealed class ConnectionTarget(bool isServer) : IFuzzTarget
{
    private const int PrefaceLength = 24;
    private const int MaxOpened = 6;
    private static readonly Http2Options SmallWindows = new()
    {
        StreamWindowSize = 20_000,
        ConnectionWindowSize = 65_535,
        MaxFrameSize = 16_384,
        ConnectionMemory = 1024 * 1024,
    };

    private static readonly HeaderField[] Request =
        [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80"), new("baggage", "k8s.cluster.name=fuzz")];

    public string Name => isServer ? "server" : "client";

    public Mutator Mutator { get; } = new(
        Corpus.Streams(isServer ? "server" : "client"), Frames.LengthAt, isServer ? PrefaceLength : 0);

    public void Run(byte[] input)
    {
        var random = SequenceRandom.Of(input);
        var application = new Application(random);
        var drainAt = random.OneIn(6) ? random.Next(10) : -1;
        var options = random.OneIn(2) ? SmallWindows : new Http2Options();
        var memory = new MemoryBudget(long.MaxValue);
        Http2Connection? connection = null;
        var transport = new MemoryTransport(input, random, (InputEnd)random.Next(3), Step);
        connection = new Http2Connection(
            transport,
            isServer ? Http2Role.Server(options, application.Serve) : Http2Role.Client(options),
            memory,
            InertTime.Instance);

        connection.Start();
        var closing = connection.DisposeAsync();

        if (!closing.IsCompletedSuccessfully || !connection.Completion.IsCompletedSuccessfully)
        {
            throw new FuzzFailure("the connection does not end");
        }

        application.CheckEnded();
        if (connection.ActiveStreams > 0)
        {
            throw new FuzzFailure($"{connection.ActiveStreams} streams outlive their connection");
        }

        if (memory is not { Used: 0, Connections: 0 })
        {
            throw new FuzzFailure($"{memory.Used} bytes and {memory.Connections} connections are still charged");
        }

        OutputCheck.Check(transport.Written, isServer);

        void Step(int number)
        {
            application.Step();
            if (!isServer && number < MaxOpened && connection!.TryOpen(Request) is { } stream)
            {
                application.Use(connection, stream);
            }

            if (number == drainAt)
            {
                connection!.Drain();
            }
        }
    }
}
