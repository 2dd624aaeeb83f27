using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using Google.Protobuf;
using Ztunnel.Mesh;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Decodes workloads. Pods of one deployment differ in name, addresses and place only: the other fields, byte for byte the
/// same, are decoded once and shared, which is most of the time and of the memory.
/// </summary>
internal sealed class WorkloadReader(TextPool texts)
{
    // Field numbers of proto messages Address and Workload.
    private const int WorkloadField = 1;
    private const int NameField = 1;
    private const int AddressesField = 3;
    private const int NodeField = 9;
    private const int UidField = 20;
    private const int LocalityField = 24;

    private const int MaxTemplates = 16_384;
    private const int MaxLocalities = 1_024;

    private readonly BytesCache<WorkloadTemplate> _templates = new(MaxTemplates);
    private readonly BytesCache<Locality> _localities = new(MaxLocalities);
    private readonly ArrayBufferWriter<byte> _common = new();

    /// <summary>Null when the message is anything but one plain workload; the general way decides then.</summary>
    /// <param name="address">An encoded <c>Address</c>.</param>
    /// <param name="resourceName">Shared when it is the uid, which it is.</param>
    /// <exception cref="ResourceRejectedException">Something in it is not understood.</exception>
    public Workload? TryRead(ReadOnlySpan<byte> address, string resourceName)
    {
        try
        {
            var outer = new WireReader(address);
            if (!outer.Next() || outer.Field != WorkloadField || !outer.IsLengthDelimited)
            {
                return null;
            }

            var workload = outer.Bytes;
            return outer.Next() ? null : TryReadWorkload(workload, resourceName);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private Workload? TryReadWorkload(ReadOnlySpan<byte> bytes, string resourceName)
    {
        var (name, node, uid, locality) = ("", "", "", Locality.Unknown);
        var addresses = ImmutableArray<IPAddress>.Empty;
        var hasLocality = false;
        _common.ResetWrittenCount();
        var reader = new WireReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case NameField or AddressesField or NodeField or UidField or LocalityField
                    when !reader.IsLengthDelimited:
                    return null;
                case NameField:
                    name = reader.Text();
                    break;
                case AddressesField:
                    addresses = addresses.Add(AddressBytes.ToAddress(reader.Bytes));
                    break;
                case NodeField:
                    node = texts.Shared(reader.Bytes);
                    break;
                case UidField:
                    uid = UidOf(reader.Bytes, resourceName);
                    break;
                case LocalityField when hasLocality:
                    return null; // a second one would be merged with the first
                case LocalityField:
                    locality = LocalityOf(reader.Bytes);
                    hasLocality = true;
                    break;
                default:
                    _common.Write(reader.Record);
                    break;
            }
        }

        return new Workload
        {
            Uid = uid,
            Name = name,
            Addresses = addresses,
            Node = node,
            Locality = locality,
            Template = TemplateOf(_common.WrittenSpan),
        };
    }

    private static string UidOf(ReadOnlySpan<byte> uid, string resourceName) =>
        System.Text.Ascii.Equals(uid, resourceName) ? resourceName : StrictUtf8.ToText(uid);

    private Locality LocalityOf(ReadOnlySpan<byte> bytes)
    {
        if (!_localities.TryGet(bytes, out var locality))
        {
            locality = WorkloadConverter.ToLocality(Parse(Proto.Locality.Parser, bytes), texts);
            _localities.Add(bytes, locality);
        }

        return locality;
    }

    private WorkloadTemplate TemplateOf(ReadOnlySpan<byte> bytes)
    {
        if (!_templates.TryGet(bytes, out var template))
        {
            template = new WorkloadConverter(texts).ToTemplate(Parse(Proto.Workload.Parser, bytes));
            _templates.Add(bytes, template);
        }

        return template;
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> bytes)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new FormatException(e.Message, e);
        }
    }
}
