using Ztunnel.Policy;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh;

public sealed class PolicyTableTests
{
    [Fact]
    public void Policies_BindByScope()
    {
        var (everywhere, ofNamespace) = (Policies.Global("g"), Policies.Namespaced("n"));
        var (selecting, other) = (Policies.Selecting("s"), Policies.Selecting("o"));
        var elsewhere = Policies.Namespaced("e") with { Namespace = "ns2" };
        var snapshot = Empty.With(everywhere, ofNamespace, selecting, other, elsewhere);
        var pod = Pod("a") with { AuthorizationPolicies = ["ns1/s", "ns1/missing"] };

        Assert.Equal([everywhere, ofNamespace, selecting], snapshot.PoliciesFor(pod));
        Assert.Equal(["ns1/missing"], snapshot.UnknownPoliciesOf(pod));
        Assert.Empty(snapshot.UnknownPoliciesOf(Pod("b")));
    }

    [Fact]
    public void Policies_NamedThoughBoundAnyway_AreThereOnce()
    {
        var snapshot = Empty.With(Policies.Global("g"), Policies.Namespaced("n"), Policies.Selecting("s"));
        var pod = Pod("a") with { AuthorizationPolicies = ["istio-system/g", "ns1/n", "ns1/s", "ns1/s"] };

        Assert.Equal(["istio-system/g", "ns1/n", "ns1/s"], snapshot.PoliciesFor(pod).Select(policy => policy.Key));
    }

    [Fact]
    public void R2_DestinationNetwork_IsIrrelevant()
    {
        var snapshot = Empty.With(Policies.Global("g"), Policies.Namespaced("n"), Policies.Selecting("s"));
        var pod = Pod("a", "10.0.0.1") with { AuthorizationPolicies = ["ns1/s"] };

        Assert.Equal(snapshot.PoliciesFor(pod), snapshot.PoliciesFor(pod with { Network = "remote" }));
        Assert.Equal(3, snapshot.PoliciesFor(pod with { Network = "remote" }).Length);
    }

    [Fact]
    public void S21_A7_Scope_Changes_BindingMoves()
    {
        var policy = Policies.Namespaced("p");
        var snapshot = Empty.With(policy).With(policy with { Scope = PolicyScope.WorkloadSelector });

        Assert.Empty(snapshot.PoliciesFor(Pod("a")));
        Assert.Single(snapshot.PoliciesFor(Pod("a") with { AuthorizationPolicies = ["ns1/p"] }));

        snapshot = snapshot.With(policy with { Scope = PolicyScope.Global }).With(policy);
        Assert.Single(snapshot.PoliciesFor(Pod("a")));
        Assert.Empty(snapshot.PoliciesFor(Pod("a") with { Namespace = "ns2" }));
    }

    [Fact]
    public void Policy_Removed_BindsNothing()
    {
        var policies = new[] { Policies.Global("g"), Policies.Namespaced("n"), Policies.Selecting("s") };
        var pod = Pod("a") with { AuthorizationPolicies = ["ns1/s"] };

        var snapshot = Empty.With([.. policies]).Without([.. policies]);

        Assert.Empty(snapshot.PoliciesFor(pod));
        Assert.Empty(snapshot.Policies);
        Assert.Null(snapshot.FindPolicy("ns1/s"));
    }
}
