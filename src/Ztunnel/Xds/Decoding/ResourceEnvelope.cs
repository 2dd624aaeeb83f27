namespace Ztunnel.Xds.Decoding;

/// <summary>What is around a resource (proto messages <c>Resource</c> and, inside it, <c>google.protobuf.Any</c>).</summary>
internal readonly ref struct ResourceEnvelope
{
    private const int VersionField = 1;
    private const int AnyField = 2;
    private const int NameField = 3;
    private const int AliasesField = 4;
    private const int AnyTypeField = 1;
    private const int AnyValueField = 2;

    private readonly bool _hasPayload;

    private ResourceEnvelope(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> type, bool hasPayload)
    {
        Payload = payload;
        Type = type;
        _hasPayload = hasPayload;
    }

    /// <summary>The encoded resource.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Its own type URL, which counts only as long as the response's is not known.</summary>
    public ReadOnlySpan<byte> Type { get; }

    /// <summary>Name, version and aliases go into <paramref name="resource"/>, as far as the bytes can be read.</summary>
    /// <param name="bytes">An encoded <c>Resource</c>.</param>
    /// <param name="held">Has the name as one text if it is known; null for none.</param>
    /// <param name="resource">What is filled.</param>
    /// <param name="isHeld">Whether this very version is held.</param>
    /// <exception cref="FormatException">They are not protobuf.</exception>
    public static ResourceEnvelope Read(
        ReadOnlySpan<byte> bytes, HeldResources? held, ref DecodedResource resource, out bool isHeld)
    {
        isHeld = false;
        var heldVersion = ResourceVersion.None;
        ReadOnlySpan<byte> any = default;
        var hasAny = false;
        List<string>? aliases = null;
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case VersionField:
                    resource = resource with { Version = ResourceVersion.Parse(reader.Bytes) };
                    break;
                case AnyField:
                    any = reader.Bytes;
                    hasAny = true;
                    break;
                case NameField:
                    resource = resource with
                    {
                        Name = held is not null && held.TryFind(reader.Bytes, out var name, out heldVersion)
                            ? name
                            : reader.Text(),
                    };
                    break;
                case AliasesField:
                    (aliases ??= []).Add(reader.Text());
                    break;
                default:
                    break;
            }
        }

        resource = resource with { Aliases = aliases };
        isHeld = !heldVersion.IsNone && heldVersion == resource.Version;
        ReadOnlySpan<byte> payload = default;
        ReadOnlySpan<byte> type = default;
        var inner = new WireReader(any);
        while (inner.Next())
        {
            if (inner.Field == AnyValueField)
            {
                payload = inner.Bytes;
            }
            else if (inner.Field == AnyTypeField)
            {
                type = inner.Bytes;
            }
        }

        return new ResourceEnvelope(payload, type, hasAny);
    }

    /// <exception cref="ResourceRejectedException">There is none.</exception>
    public ReadOnlySpan<byte> PayloadOrReject() =>
        _hasPayload ? Payload : throw new ResourceRejectedException("no payload");
}
