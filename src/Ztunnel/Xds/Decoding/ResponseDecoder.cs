using System.Buffers;
using System.Text;
using Grpc.Core;
using Ztunnel.Protos.SecurityApi;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Turns the bytes of <c>DeltaDiscoveryResponse</c> messages into resources of the mesh, one by one: besides the received
/// bytes and the result only one decoded message exists at a time, also in a first response with the whole mesh. One
/// stream at a time uses it.
/// </summary>
internal sealed class ResponseDecoder
{
    private const int ResourcesField = 2;
    private const int TypeUrlField = 4;
    private const int NonceField = 5;
    private const int RemovedField = 6;

    private readonly Subscriptions? _subscriptions;
    private readonly TextPool _texts = new();
    private readonly WorkloadReader _workloads;
    private Assembly _assembly = new();

    /// <param name="subscriptions">Says what is held already; null for nothing.</param>
    public ResponseDecoder(Subscriptions? subscriptions)
    {
        _subscriptions = subscriptions;
        _workloads = new WorkloadReader(_texts);
    }

    /// <summary>
    /// For one stream. Decodes from gRPC's buffer, which is lent until this returns.
    /// </summary>
    public Marshaller<DecodedResponse> MarshallerFor(ResponsePieces pieces)
    {
        _assembly = new Assembly(); // what an earlier stream left unfinished
        return Marshallers.Create<DecodedResponse>(
            static (_, _) => throw new NotSupportedException("responses are only read"),
            context =>
            {
                var payload = context.PayloadAsReadOnlySequence();
                return Decode(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray(), pieces.TakeIsLast());
            });
    }

    /// <summary>Decodes a whole response, or the next piece of one. A resource that cannot be used is rejected alone.</summary>
    /// <returns>The response with its last piece, before that <see cref="DecodedResponse.Incomplete"/>.</returns>
    /// <exception cref="FormatException">The response around the resources is not protobuf, or of two types.</exception>
    public DecodedResponse Decode(ReadOnlySpan<byte> message, bool isLast = true)
    {
        // The type travels behind the resources, so it has to be found first.
        var envelope = new WireReader(message);
        while (envelope.Next())
        {
            switch (envelope.Field)
            {
                case TypeUrlField:
                    _assembly.TypeUrl = envelope.Text();
                    break;
                case NonceField:
                    _assembly.Nonce = envelope.Text();
                    break;
                case RemovedField:
                    _assembly.Removed.Add(envelope.Text());
                    break;
                default:
                    break;
            }
        }

        var reader = new WireReader(message);
        while (reader.Next())
        {
            if (reader.Field == ResourcesField)
            {
                _assembly.Resources.Add(DecodeResource(reader.Bytes, isLast));
            }
        }

        return isLast ? TakeResponse() : DecodedResponse.Incomplete;
    }

    private DecodedResponse TakeResponse()
    {
        var whole = _assembly;
        _assembly = new Assembly();
        if (whole.AssumedType is { } assumed && assumed != whole.TypeUrl)
        {
            throw new FormatException($"a response of type {whole.TypeUrl} has resources of type {assumed}");
        }

        return new DecodedResponse(whole.TypeUrl, whole.Nonce, whole.Resources, whole.Removed, whole.PayloadBytes);
    }

    private DecodedResource DecodeResource(ReadOnlySpan<byte> bytes, bool isLast)
    {
        var resource = new DecodedResource { Name = "", Version = ResourceVersion.None };
        try
        {
            var held = HeldOfType(isLast);
            var envelope = ResourceEnvelope.Read(bytes, held, ref resource, out var isHeld);
            _assembly.PayloadBytes += envelope.Payload.Length;
            var type = TypeOf(envelope, isLast);
            if (isHeld && _subscriptions!.AwaitsWholeAnswer(type))
            {
                return resource; // had it been claimed, it would not have been sent
            }

            return type switch
            {
                TypeUrls.Address => DecodeAddress(resource, envelope),
                TypeUrls.Authorization => DecodePolicy(resource, envelope),
                _ => resource,
            };
        }
        catch (Exception e) when (ResourceRejectedException.Covers(e))
        {
            return resource with { Rejection = e.Message };
        }
    }

    private HeldResources? HeldOfType(bool isLast) => _subscriptions?.Of(KnownType(isLast) ?? "");

    // In the pieces before the last one the resources say what they are; the last one must agree.
    private string? KnownType(bool isLast) =>
        isLast || _assembly.TypeUrl.Length > 0 ? _assembly.TypeUrl : _assembly.AssumedType;

    private string TypeOf(ResourceEnvelope envelope, bool isLast) =>
        KnownType(isLast) ?? (_assembly.AssumedType = Encoding.UTF8.GetString(envelope.Type));

    private DecodedResource DecodeAddress(DecodedResource resource, ResourceEnvelope envelope)
    {
        var payload = envelope.PayloadOrReject();
        if (_workloads.TryRead(payload, resource.Name) is { } workload)
        {
            return resource with { Workload = workload };
        }

        var address = Proto.Address.Parser.ParseFrom(payload);
        return address.TypeCase switch
        {
            Proto.Address.TypeOneofCase.Workload =>
                resource with { Workload = new WorkloadConverter(_texts).Convert(address.Workload, resource.Name) },
            Proto.Address.TypeOneofCase.Service =>
                resource with { Service = new ServiceConverter(_texts).Convert(address.Service) },
            _ => throw new ResourceRejectedException("unknown address type"),
        };
    }

    private static DecodedResource DecodePolicy(DecodedResource resource, ResourceEnvelope envelope) =>
        resource with
        {
            Policy = AuthorizationConverter.Convert(Authorization.Parser.ParseFrom(envelope.PayloadOrReject())),
        };

    /// <summary>What of a response has come.</summary>
    private sealed class Assembly
    {
        public string TypeUrl { get; set; } = "";

        public string? AssumedType { get; set; }

        public string Nonce { get; set; } = "";

        public List<DecodedResource> Resources { get; } = [];

        public List<string> Removed { get; } = [];

        public long PayloadBytes { get; set; }
    }
}
