using System.Net;
using Google.Protobuf;
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
    public static TheoryData<string, string> RejectedAddresses => new()
    {
        { "no type", "unknown address type" },
        { "short address", "invalid IP address of 3 bytes, expected 4 or 16" },
        { "empty address", "invalid IP address of 0 bytes, expected 4 or 16" },
        { "legacy tunnel", "unsupported tunnel protocol 2" },
        { "unknown tunnel", "unsupported tunnel protocol 9" },
        { "network mode", "unknown network mode 9" },
        { "status", "unknown workload status 9" },
        { "application tunnel", "unknown application tunnel protocol 9" },
        { "service key", "service 'web' is not namespace/hostname" },
        { "waypoint", "gateway address without a destination" },
        { "gateway address", "invalid IP address of 5 bytes, expected 4 or 16" },
        { "families", "unknown IP families 9" },
        { "mode", "unknown load balancing mode 9" },
        { "health", "unknown health policy 9" },
        { "scope", "unknown load balancing scope 0" },
        { "weighted waypoint", "gateway address without a destination" },
        { "prefix", "invalid prefix length 33 of 10.0.0.0" },
        { "no payload", "no payload" },
    };

    [Theory]
    [MemberData(nameof(RejectedAddresses))]
    public void Address_NotUnderstood_IsRejectedAlone(string what, string reason)
    {
        var good = Responses.Workload("good", "10.0.0.1");

        var response = Decode(Responses.Addresses(Broken(what), good));

        Assert.Equal(reason, response.Resources[0].Rejection);
        Assert.NotNull(response.Resources[1].Workload);
        Assert.Equal($"{response.Resources[0].Name}: {reason}", RejectionText.Of(response));
    }

    /// <summary>S8.</summary>
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("127.0.0.1")]
    [InlineData("::")]
    [InlineData("::1")]
    public void Address_FourOrSixteenBytes_IsRead(string address)
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

        var workload = DecodeOne(Responses.Resource(proto)).Workload!;

        Assert.Equal((WorkloadType.Deployment, 0u), (workload.WorkloadType, workload.Capacity));
        Assert.Equal(new ApplicationTunnel(ApplicationTunnelProtocol.Proxy, null), workload.ApplicationTunnel);
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

    /// <summary>10.1.2: an entry that is not understood never widens a policy.</summary>
    [Theory]
    [InlineData("source")]
    [InlineData("not source")]
    [InlineData("prefix")]
    [InlineData("string")]
    [InlineData("not string")]
    [InlineData("port")]
    [InlineData("scope")]
    [InlineData("action")]
    public void Policy_OneEntryNotUnderstood_IsRejectedWhole(string what)
    {
        var match = new Security.Match();
        match.Principals.Add(new Security.StringMatch { Exact = "cluster.local/ns/a/sa/a" });
        var policy = Responses.NewPolicy("p", match);
        switch (what)
        {
            case "source":
                match.SourceIps.Add(new Security.Address { Address_ = ByteString.CopyFrom(1, 2, 3), Length = 8 });
                break;
            case "not source":
                match.NotSourceIps.Add(new Security.Address());
                break;
            case "prefix":
                match.DestinationIps.Add(new Security.Address { Address_ = Responses.Bytes("10.0.0.0"), Length = 33 });
                break;
            case "string":
                match.Namespaces.Add(new Security.StringMatch());
                break;
            case "not string":
                match.NotPrincipals.Add(new Security.StringMatch());
                break;
            case "port":
                match.DestinationPorts.Add(65536);
                break;
            case "scope":
                policy.Scope = (Security.Scope)9;
                break;
            default:
                policy.Action = (Security.Action)9;
                break;
        }

        var response = Decode(Responses.Policies(Responses.Resource(policy)));

        Assert.NotNull(Assert.Single(response.Resources).Rejection);
        Assert.Null(response.Resources[0].Policy);
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

    private static DecodedResponse Decode(byte[] message) => ResponseDecoder.Decode(message);

    private static DecodedResource DecodeOne(Resource resource) =>
        Assert.Single(Decode(Responses.Addresses(resource)).Resources);

    private static Resource Broken(string what)
    {
        var workload = Responses.NewWorkload("bad", "10.0.0.9");
        var service = Responses.NewService("bad");
        switch (what)
        {
            case "no type":
                return Responses.Resource("bad", new Proto.Address());
            case "no payload":
                return new Resource { Name = "bad" };
            case "short address":
                workload.Addresses.Add(ByteString.CopyFrom(1, 2, 3));
                return Responses.Resource(workload);
            case "empty address":
                workload.Addresses.Add(ByteString.Empty);
                return Responses.Resource(workload);
            case "legacy tunnel":
                workload.TunnelProtocol = Proto.TunnelProtocol.LegacyIstioMtls;
                return Responses.Resource(workload);
            case "unknown tunnel":
                workload.TunnelProtocol = (Proto.TunnelProtocol)9;
                return Responses.Resource(workload);
            case "network mode":
                workload.NetworkMode = (Proto.NetworkMode)9;
                return Responses.Resource(workload);
            case "status":
                workload.Status = (Proto.WorkloadStatus)9;
                return Responses.Resource(workload);
            case "application tunnel":
                workload.ApplicationTunnel = new() { Protocol = (Proto.ApplicationTunnel.Types.Protocol)9 };
                return Responses.Resource(workload);
            case "service key":
                workload.Services["web"] = new Proto.PortList();
                return Responses.Resource(workload);
            case "waypoint":
                workload.Waypoint = new Proto.GatewayAddress();
                return Responses.Resource(workload);
            case "gateway address":
                workload.NetworkGateway = new()
                {
                    Address = new() { Address = ByteString.CopyFrom(1, 2, 3, 4, 5) },
                };
                return Responses.Resource(workload);
            case "families":
                service.IpFamilies = (Proto.IPFamilies)9;
                return Responses.Resource(service);
            case "mode":
                service.LoadBalancing = new() { Mode = (Proto.LoadBalancing.Types.Mode)9 };
                return Responses.Resource(service);
            case "health":
                service.LoadBalancing = new() { HealthPolicy = (Proto.LoadBalancing.Types.HealthPolicy)9 };
                return Responses.Resource(service);
            case "scope":
                service.LoadBalancing = new();
                service.LoadBalancing.RoutingPreference.Add(Proto.LoadBalancing.Types.Scope.UnspecifiedScope);
                return Responses.Resource(service);
            case "weighted waypoint":
                service.WeightedWaypoints.Add(new Proto.WeightedWaypoint { Weight = 1 });
                return Responses.Resource(service);
            case "prefix":
                service.Addresses.Add(
                    new Proto.NetworkAddress { Address = Responses.Bytes("10.0.0.0"), Length = 33 });
                return Responses.Resource(service);
            default:
                throw new ArgumentOutOfRangeException(nameof(what), what, "unknown case");
        }
    }
}
