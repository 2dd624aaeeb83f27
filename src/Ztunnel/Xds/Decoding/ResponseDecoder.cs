using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Ztunnel.Protos.SecurityApi;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Turns the bytes of a <c>DeltaDiscoveryResponse</c> into resources of the mesh, one by one: besides the received bytes
/// and the result only one decoded message exists at a time, also in a first response with the whole mesh.
/// </summary>
internal static class ResponseDecoder
{
    private const int ResourcesField = 2;
    private const int TypeUrlField = 4;
    private const int NonceField = 5;
    private const int RemovedField = 6;

    /// <summary>Decodes from gRPC's buffer, which is lent until this returns.</summary>
    public static Marshaller<DecodedResponse> Marshaller { get; } = Marshallers.Create(
        static (_, _) => throw new NotSupportedException("responses are only read"),
        static context =>
        {
            var payload = context.PayloadAsReadOnlySequence();
            return Decode(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray());
        });

    /// <summary>Decodes a whole response. A resource that cannot be used is rejected alone.</summary>
    /// <exception cref="FormatException">The response around the resources is not protobuf.</exception>
    public static DecodedResponse Decode(ReadOnlySpan<byte> message)
    {
        // The type travels behind the resources, so it has to be found first.
        var (typeUrl, nonce, count) = ("", "", 0);
        var removed = new List<string>();
        var envelope = new WireReader(message);
        while (envelope.Next())
        {
            switch (envelope.Field)
            {
                case ResourcesField:
                    count++;
                    break;
                case TypeUrlField:
                    typeUrl = envelope.Text();
                    break;
                case NonceField:
                    nonce = envelope.Text();
                    break;
                case RemovedField:
                    removed.Add(envelope.Text());
                    break;
                default:
                    break;
            }
        }

        var resources = new List<DecodedResource>(count);
        var bytes = 0L;
        var texts = new TextPool();
        var reader = new WireReader(message);
        while (reader.Next())
        {
            if (reader.Field == ResourcesField)
            {
                resources.Add(DecodeResource(reader.Bytes, typeUrl, texts, ref bytes));
            }
        }

        return new DecodedResponse(typeUrl, nonce, resources, removed, bytes);
    }

    private static DecodedResource DecodeResource(
        ReadOnlySpan<byte> bytes, string typeUrl, TextPool texts, ref long payloadBytes)
    {
        var resource = new DecodedResource { Name = "", Version = "" };
        try
        {
            var envelope = ResourceEnvelope.Read(bytes, ref resource);
            payloadBytes += envelope.Payload.Length;
            return typeUrl switch
            {
                TypeUrls.Address => DecodeAddress(resource, envelope, texts),
                TypeUrls.Authorization => DecodePolicy(resource, envelope),
                _ => resource,
            };
        }
        catch (Exception e) when (
            e is ResourceRejectedException or FormatException or InvalidProtocolBufferException)
        {
            return resource with { Rejection = e.Message };
        }
    }

    private static DecodedResource DecodeAddress(DecodedResource resource, ResourceEnvelope envelope, TextPool texts)
    {
        var address = Proto.Address.Parser.ParseFrom(envelope.PayloadOrReject());
        return address.TypeCase switch
        {
            Proto.Address.TypeOneofCase.Workload =>
                resource with { Workload = new WorkloadConverter(texts).Convert(address.Workload, resource.Name) },
            Proto.Address.TypeOneofCase.Service =>
                resource with { Service = new ServiceConverter(texts).Convert(address.Service) },
            _ => throw new ResourceRejectedException("unknown address type"),
        };
    }

    private static DecodedResource DecodePolicy(DecodedResource resource, ResourceEnvelope envelope) =>
        resource with
        {
            Policy = AuthorizationConverter.Convert(Authorization.Parser.ParseFrom(envelope.PayloadOrReject())),
        };
}
