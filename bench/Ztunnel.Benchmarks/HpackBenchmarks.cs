using System.Buffers;
using BenchmarkDotNet.Attributes;
using Hbone.Http2.Hpack;

namespace Ztunnel.Benchmarks;

/// <summary>
/// Cost of the CONNECT requests of one tunnel connection: each has a source port and a trace of its own, all else
/// repeats, so the tables are full and evict as they do in service. No socket, no TLS.
/// </summary>
[MemoryDiagnoser]
public class HpackBenchmarks
{
    private const int RequestCount = 1_000;
    private const int ServerHeaderListSize = 65_536;

    private const string Baggage =
        "k8s.cluster.name=cluster1,k8s.namespace.name=default,k8s.deployment.name=a-deploy,service.name=client,"
        + "service.version=v1,cloud.region=eu,cloud.availability_zone=eu-1";

    private readonly HeaderField[][] _requests = new HeaderField[RequestCount][];
    private readonly byte[][] _blocks = new byte[RequestCount][];
    private readonly List<HeaderField> _fields = [];
    private readonly ArrayBufferWriter<byte> _output = new();

    [GlobalSetup]
    public void EncodeRequests()
    {
        var encoder = new HpackEncoder();
        for (var number = 0; number < RequestCount; number++)
        {
            _requests[number] =
            [
                new(":method", "CONNECT"),
                new(":authority", "10.77.0.2:7007"),
                new("baggage", Baggage),
                new("forwarded", $"for=\"10.77.0.1:{32_768 + number}\""),
                new("traceparent", $"00-{Guid.NewGuid():N}-{Random.Shared.NextInt64():x16}-00"),
            ];
            _output.ResetWrittenCount();
            encoder.Encode(_requests[number], _output);
            _blocks[number] = _output.WrittenSpan.ToArray();
        }
    }

    [Benchmark(OperationsPerInvoke = RequestCount)]
    public int Encode()
    {
        var encoder = new HpackEncoder();
        var octets = 0;
        foreach (var request in _requests)
        {
            _output.ResetWrittenCount();
            encoder.Encode(request, _output);
            octets += _output.WrittenCount;
        }

        return octets;
    }

    [Benchmark(OperationsPerInvoke = RequestCount)]
    public int Decode()
    {
        var decoder = new HpackDecoder(DynamicTable.DefaultMaxSize, ServerHeaderListSize);
        var fields = 0;
        foreach (var block in _blocks)
        {
            _fields.Clear();
            decoder.Decode(block, _fields);
            fields += _fields.Count;
        }

        return fields;
    }
}
