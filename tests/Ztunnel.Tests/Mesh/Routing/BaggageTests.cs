using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 2.5.</summary>
public sealed class BaggageTests
{
    private static readonly Workload Full = Pod("a") with
    {
        WorkloadName = "a-deploy",
        CanonicalName = "client",
        CanonicalRevision = "v1",
        Locality = new("eu", "eu-1", "rack-1"),
    };

    [Theory]
    [InlineData(nameof(WorkloadType.Deployment), "deployment")]
    [InlineData(nameof(WorkloadType.CronJob), "cronjob")]
    [InlineData(nameof(WorkloadType.Pod), "pod")]
    [InlineData(nameof(WorkloadType.Job), "job")]
    public void I6_Format_AllFields_InIstiosOrder(string type, string key) =>
        Assert.Equal(
            $"k8s.cluster.name=cluster1,k8s.namespace.name=ns1,k8s.{key}.name=a-deploy,"
            + "service.name=client,service.version=v1,cloud.region=eu,cloud.availability_zone=eu-1",
            Baggage.Format(Full with { WorkloadType = Enum.Parse<WorkloadType>(type) }));

    [Fact]
    public void Format_AbsentFields_AreLeftOut()
    {
        Assert.Equal("k8s.namespace.name=ns1", Baggage.Format(Full with
        {
            ClusterId = "",
            WorkloadType = null,
            CanonicalName = "",
            CanonicalRevision = "",
            Locality = Locality.Unknown,
        }));
        Assert.Equal("", Baggage.Format(new Workload { Uid = "nothing else" }));
    }

    /// <summary>RFC 9113 section 8.2.1: with such a value every peer would refuse every request as malformed.</summary>
    [Theory]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("a\r")]
    [InlineData("\tb")]
    [InlineData("\u007f")]
    public void Format_ValueThatNoHeaderMayHold_IsLeftOut(string region) =>
        Assert.Equal(
            "k8s.namespace.name=ns1,cloud.availability_zone=z",
            Baggage.Format(new Workload { Uid = "u", Namespace = "ns1", Locality = new(region, "z", "") }));

    [Fact]
    public void Format_BlankAtTheEnd_IsLeftOut() =>
        Assert.Equal("cloud.region=a b", Baggage.Format(new Workload { Uid = "u", Locality = new("a b ", "", "") }));

    [Fact]
    public void Parse_ValueLongerThanAnyName_IsUnknown()
    {
        var longest = new string('a', Baggage.MaxValueLength);

        var baggage = Baggage.Parse([$"k8s.namespace.name={longest},service.name={longest}a,cloud.region=eu"]);

        Assert.Equal(new Baggage { Namespace = longest, Region = "eu" }, baggage);
    }

    [Fact]
    public void Parse_Formatted_GivesTheSameBack() =>
        Assert.Equal(
            new Baggage
            {
                ClusterId = "cluster1",
                Namespace = "ns1",
                WorkloadName = "a-deploy",
                ServiceName = "client",
                ServiceVersion = "v1",
                Region = "eu",
                Zone = "eu-1",
            },
            Baggage.Parse([Baggage.Format(Full)]));

    [Theory]
    [InlineData("k8s.deployment.name=x")]
    [InlineData("k8s.cronjob.name=x")]
    [InlineData("k8s.pod.name=x")]
    [InlineData("k8s.job.name=x")]
    [InlineData("k8s.pod.name=y,k8s.job.name=x")]
    [InlineData("k8s.pod.name=x=y")]
    [InlineData("unknown=1,,novalue,k8s.pod.name=x, k8s.pod.name=z")]
    public void Parse_WorkloadName_OfAnyType_LastWins(string header) =>
        Assert.Equal(new Baggage { WorkloadName = "x" }, Baggage.Parse([header]));

    [Theory]
    [InlineData("")]
    [InlineData("k8s.pod.name=")]
    [InlineData("k8s.pod.name=x,k8s.pod.name=")]
    [InlineData("K8S.pod.name=x")]
    public void Parse_NothingUsable_IsEmpty(string header) => Assert.Equal(new Baggage(), Baggage.Parse([header]));

    [Fact]
    public void Parse_SeveralHeaders_AreOne() =>
        Assert.Equal(
            new Baggage { Namespace = "b", Region = "eu" },
            Baggage.Parse(["k8s.namespace.name=a,cloud.region=eu", "k8s.namespace.name=b"]));

    [Theory]
    [InlineData("k8s.pod.name=\u00e4")]
    [InlineData("k8s.pod.name=x\n")]
    [InlineData("k8s.pod.name=x\u007f")]
    public void Parse_AnythingInvisible_IsNoBaggage(string header) =>
        Assert.Null(Baggage.Parse(["k8s.namespace.name=a", header]));
}
