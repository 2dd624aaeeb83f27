using Google.Protobuf.WellKnownTypes;
using Ztunnel.Xds;
using static Ztunnel.Tests.Config.Options;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Control-plane 2.2: how the proxy introduces itself.</summary>
public sealed class NodeDescriptionTests
{
    [Fact]
    public void X6_JsonMetadata_BecomesObjectListBoolNumberAndNull()
    {
        var fields = NodeDescription.Of(From(
            ("ISTIO_METAJSON_OBJECT", """{"a": {"b": "c"}, "empty": {}}"""),
            ("ISTIO_METAJSON_LIST", """[1, "two", [true], null]"""),
            ("ISTIO_METAJSON_BOOL", "true"),
            ("ISTIO_METAJSON_INTEGER", "9007199254740993"),
            ("ISTIO_METAJSON_NUMBER", "-1.5e3"),
            ("ISTIO_METAJSON_TEXT", "\"text\""),
            ("ISTIO_METAJSON_NULL", "null"))).Metadata.Fields;

        Assert.Equal(
            Value.ForStruct(new Struct
            {
                Fields =
                {
                    ["a"] = Value.ForStruct(new Struct { Fields = { ["b"] = Value.ForString("c") } }),
                    ["empty"] = Value.ForStruct(new Struct()),
                },
            }),
            fields["OBJECT"]);
        Assert.Equal(
            Value.ForList(
                Value.ForNumber(1), Value.ForString("two"), Value.ForList(Value.ForBool(true)), Value.ForNull()),
            fields["LIST"]);
        Assert.Equal(Value.ForBool(true), fields["BOOL"]);
        Assert.Equal(Value.ForNumber(9007199254740992), fields["INTEGER"]); // a double, as proto's Value is one
        Assert.Equal(Value.ForNumber(-1500), fields["NUMBER"]);
        Assert.Equal(Value.ForString("text"), fields["TEXT"]);
        Assert.Equal(Value.ForNull(), fields["NULL"]);
    }

    [Fact]
    public void Metadata_LaterSourcesWin()
    {
        var node = NodeDescription.Of(From(
            ("POD_NAME", "ztunnel-1"),
            ("POD_NAMESPACE", "istio-system"),
            ("INSTANCE_IP", "10.0.0.1"),
            ("PROXY_CONFIG", "proxyMetadata: {ISTIO_META_A: config, ISTIO_META_B: config}"),
            ("ISTIO_META_B", "environment"),
            ("ISTIO_META_NODE_NAME", "other"),
            ("ISTIO_METAJSON_B", "3")));

        Assert.Equal("ztunnel~10.0.0.1~ztunnel-1.istio-system~istio-system.svc.cluster.local", node.Id);
        var fields = node.Metadata.Fields;
        Assert.Equal("config", fields["A"].StringValue);
        Assert.Equal(3, fields["B"].NumberValue);
        Assert.Equal("other", fields["NODE_NAME"].StringValue);
        Assert.Equal("10.0.0.1", fields["INSTANCE_IPS"].StringValue);
    }
}
