namespace Ztunnel.Xds.Decoding;

/// <summary>What is around a resource (proto messages <c>Resource</c> and, inside it, <c>google.protobuf.Any</c>).</summary>
internal readonly ref struct ResourceEnvelope
{
    private const int VersionField = 1;
    private const int AnyField = 2;
    private const int NameField = 3;
    private const int AliasesField = 4;
    private const int AnyValueField = 2;

    private readonly bool _hasPayload;

    private ResourceEnvelope(ReadOnlySpan<byte> payload, bool hasPayload)
    {
        Payload = payload;
        _hasPayload = hasPayload;
    }

    /// <summary>The encoded resource; its own type URL is not compared with the response's.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Name, version and aliases go into <paramref name="resource"/>, as far as the bytes can be read.</summary>
    /// <exception cref="FormatException">They are not protobuf.</exception>
    public static ResourceEnvelope Read(ReadOnlySpan<byte> bytes, ref DecodedResource resource)
    {
        ReadOnlySpan<byte> any = default;
        var hasAny = false;
        List<string>? aliases = null;
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case VersionField:
                    resource = resource with { Version = reader.Text() };
                    break;
                case AnyField:
                    any = reader.Bytes;
                    hasAny = true;
                    break;
                case NameField:
                    resource = resource with { Name = reader.Text() };
                    break;
                case AliasesField:
                    (aliases ??= []).Add(reader.Text());
                    break;
                default:
                    break;
            }
        }

        resource = resource with { Aliases = aliases };
        ReadOnlySpan<byte> payload = default;
        var inner = new WireReader(any);
        while (inner.Next())
        {
            if (inner.Field == AnyValueField)
            {
                payload = inner.Bytes;
            }
        }

        return new ResourceEnvelope(payload, hasAny);
    }

    /// <exception cref="ResourceRejectedException">There is none.</exception>
    public ReadOnlySpan<byte> PayloadOrReject() =>
        _hasPayload ? Payload : throw new ResourceRejectedException("no payload");
}
