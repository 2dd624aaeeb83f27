using System.Net;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Mesh;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using Ztunnel.Xds.Decoding;
using Proto = Ztunnel.Protos.WorkloadApi;
using Security = Ztunnel.Protos.SecurityApi;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Control-plane 1.6: what rejects a resource, and what empty fields mean.</summary>
public sealed class ConversionTests
{
    public static TheoryData<string> Rules => [.. BrokenResources.All.Keys];

    /// <summary>2.4: the text of the NACK names the resource, and the name stays claimed with the version that is held.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void X9_Rule_RejectsThatResourceKeepsItsPreviousVersionAndAppliesTheRest(string rule)
    {
        var (typeUrl, good, broken, reason) = BrokenResources.All[rule];
        var mesh = new MeshState(MeshSnapshot.Empty(localNode: null), TimeProvider.System);
        var held = new Subscriptions(mesh, onDemand: false, TimeProvider.System, NullLogger.Instance);
        Resource[] others = typeUrl == TypeUrls.Address
            ? [Responses.Workload("first", "10.0.0.1"), Responses.Resource(Responses.NewService("last", "10.9.0.1"))]
            : [Responses.Resource(Responses.NewPolicy("first")), Responses.Resource(Responses.NewPolicy("last"))];
        var gone = typeUrl == TypeUrls.Address
            ? Responses.Workload("gone", "10.0.0.2")
            : Responses.Resource(Responses.NewPolicy("gone"));
        Assert.Null(held.Apply(Decode(Responses.Encode(typeUrl, [good, gone], []))));
        var previous = Find(mesh.Current, good.Name);
        Assert.NotNull(previous);

        var nack = held.Apply(Decode(Responses.Encode(typeUrl, [others[0], broken, others[1]], [gone.Name])));

        Assert.Equal($"{good.Name}: {reason}", nack);
        Assert.Same(previous, Find(mesh.Current, good.Name));
        Assert.All(others, other => Assert.NotNull(Find(mesh.Current, other.Name)));
        Assert.Null(Find(mesh.Current, gone.Name));
        Assert.Equal(
            others.Prepend(good).Select(resource => $"{resource.Name} {resource.Version}").Order(),
            held.Of(typeUrl)!.ToArray().Select(claim => $"{claim.Key} {claim.Value}").Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(0)]
    public void S8_Address_OtherLength_IsRejectedWithTheLength(int length)
    {
        var workload = Responses.NewWorkload("a", "10.0.0.1");
        workload.Addresses.Add(ByteString.CopyFrom(new byte[length]));

        Assert.Equal(
            $"invalid IP address of {length} bytes, expected 4 or 16", DecodeOne(Responses.Resource(workload)).Rejection);
    }

    /// <summary>The parser has an exception of its own for it, which must not end the stream.</summary>
    [Fact]
    public void Address_WrappedNumberWithATagOfZero_IsRejectedAlone()
    {
        var broken = new Resource
        {
            Name = "broken",
            Resource_ = new Google.Protobuf.WellKnownTypes.Any
            {
                Value = ByteString.CopyFrom(
                    0x0A, 0x04, // field 1 of Address, the workload, of 4 bytes
                    0xDA, 0x01, 0x01, // field 27 of Workload, the capacity, of 1 byte
                    0x00), // field 0
            },
        };

        var response = Decode(Responses.Addresses(broken, Responses.Workload("good", "10.0.0.1")));

        Assert.NotNull(response.Resources[0].Rejection);
        Assert.NotNull(response.Resources[1].Workload);
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("127.0.0.1")]
    [InlineData("::")]
    [InlineData("::1")]
    public void S8_Address_FourOrSixteenBytes_IsRead(string address)
    {
        var workload = DecodeOne(Responses.Workload("a", address)).Workload!;

        Assert.Equal([IPAddress.Parse(address)], workload.Addresses);
    }

    [Fact]
    public void Workload_EmptyFields_HaveTheirMeaning()
    {
        var workload = DecodeOne(Responses.Workload("a", "10.0.0.1")).Workload!;

        Assert.Equal(
            ("cluster.local", "default", "Kubernetes", 1u, WorkloadType.Deployment),
            (workload.TrustDomain, workload.ServiceAccount, workload.ClusterId, workload.Capacity, workload.WorkloadType));
    }

    [Fact]
    public void Workload_OddButHarmless_IsAccepted()
    {
        var proto = Responses.NewWorkload("a", "10.0.0.1");
        proto.WorkloadType = (Proto.WorkloadType)9;
        proto.Capacity = 0;
        proto.ApplicationTunnel = new() { Protocol = Proto.ApplicationTunnel.Types.Protocol.Proxy };
        proto.Services["ns/web"] = new();
        proto.Services["ns/web"].Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 1 });
        proto.Services["ns/web"].Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 2 });

        var workload = DecodeOne(Responses.Resource(proto)).Workload!;

        Assert.Equal((WorkloadType.Deployment, 0u), (workload.WorkloadType, workload.Capacity));
        Assert.Equal(new ApplicationTunnel(ApplicationTunnelProtocol.Proxy, null), workload.ApplicationTunnel);
        Assert.Equal(2, workload.Services[new("ns", "web")][80]); // the last of equals
    }

    [Fact]
    public void Service_AddressLengths_MakeVipsAndRanges()
    {
        var proto = Responses.NewService("web", "10.0.0.1");
        proto.Addresses.Add(new Proto.NetworkAddress { Address = Responses.Bytes("10.0.0.2"), Length = 32 });
        proto.Addresses.Add(new Proto.NetworkAddress { Address = Responses.Bytes("10.1.0.9"), Length = 16, Network = "n" });
        proto.Addresses.Add(new Proto.NetworkAddress { Address = Responses.Bytes("fd00::1"), Length = 128 });
        proto.Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 9090 });
        proto.Visibility = (Proto.Service.Types.Visibility)9;

        var service = DecodeOne(Responses.Resource(proto)).Service!;

        Assert.Equal(["/10.0.0.1", "/10.0.0.2", "/fd00::1"], service.Vips.Select(vip => vip.ToString()));
        Assert.Equal([new CidrVip("n", IPNetwork.Parse("10.1.0.0/16"))], service.CidrVips);
        Assert.Equal(9090, service.Ports[80]); // the last of equals
        Assert.Equal(Visibility.Public, service.Visibility);
    }

    [Fact]
    public void Policy_WithoutName_IsAccepted() =>
        Assert.NotNull(Decode(Responses.Policies(Responses.Resource(Responses.NewPolicy("")))).Resources[0].Policy);

    [Fact]
    public void Policy_MappedRange_IsThatOfIPv4()
    {
        var match = new Security.Match();
        match.SourceIps.Add(new Security.Address { Address_ = Responses.Bytes("::ffff:10.0.0.0"), Length = 104 });

        var response = Decode(Responses.Policies(Responses.Resource(Responses.NewPolicy("p", match))));

        Assert.Equal(
            [IPNetwork.Parse("10.0.0.0/8")], response.Resources[0].Policy!.Rules[0].Clauses[0].Matches[0].SourceIps);
    }

    [Fact]
    public void Response_UnknownFields_AreIgnored()
    {
        // Field 7, control_plane of the public API, and field 19, a fixed64.
        byte[] unknown = [0x3A, 2, 8, 1, 0x99, 1, 1, 2, 3, 4, 5, 6, 7, 8];

        var response = Decode([.. unknown, .. Responses.Addresses(Responses.Workload("a", "10.0.0.1")), .. unknown]);

        Assert.NotNull(Assert.Single(response.Resources).Workload);
    }

    /// <summary>A cut message is an error or, between two fields, a shorter message. It is never read beyond its end.</summary>
    [Fact]
    public void Response_CutAnywhere_IsShorterOrRefused()
    {
        var message = Responses.Addresses(Responses.Workload("a", "10.0.0.1"), Responses.Junk("b"));
        for (var length = 0; length < message.Length; length++)
        {
            try
            {
                Assert.True(Decode(message[..length]).Resources.Count <= 2);
            }
            catch (FormatException)
            {
                // Cut inside a field.
            }
        }
    }

    [Fact]
    public void RejectionText_OfJunkOnly_HasABound()
    {
        var response = Decode(Responses.Addresses(
            Enumerable.Range(0, 20_000).Select(i => Responses.Junk($"{new string('x', 200)}{i}"))));

        Assert.InRange(RejectionText.Of(response)!.Length, 1, RejectionText.MaxLength);
    }

    [Fact]
    public void Workloads_OfOneResponse_ShareTheirTexts()
    {
        var response = Decode(Responses.Addresses(
            Responses.Workload("a", "10.0.0.1"), Responses.Workload("b", "10.0.0.2")));

        Assert.Same(response.Resources[0].Workload!.Namespace, response.Resources[1].Workload!.Namespace);
        Assert.Same(response.Resources[0].Name, response.Resources[0].Workload!.Uid);
    }

    private static DecodedResponse Decode(byte[] message) => new ResponseDecoder(subscriptions: null).Decode(message);

    private static DecodedResource DecodeOne(Resource resource) =>
        Assert.Single(Decode(Responses.Addresses(resource)).Resources);

    private static object? Find(MeshSnapshot snapshot, string name) =>
        (object?)snapshot.FindWorkload(name)
        ?? snapshot.Services.FirstOrDefault(service => service.NamespacedHostname.ToString() == name)
        ?? (object?)snapshot.FindPolicy(name);
}
