using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Identity;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Proxy;

/// <summary>Certificates follow the pods of the node, through the mesh state (T14, E10).</summary>
public sealed class LocalIdentityPrefetchTests : IAsyncDisposable
{
    private const string ThisNode = "node1";

    private readonly FakeAuthority _authority = new();
    private readonly CertificateManager _certificates;

    private readonly MeshState _mesh = new(MeshSnapshot.Empty(ThisNode), TimeProvider.System);

    public LocalIdentityPrefetchTests()
    {
        _certificates = new CertificateManager(
            _authority, new Identity.ManualTime(), NullLogger<CertificateManager>.Instance);
        _mesh.Observe(new LocalIdentityPrefetch(_certificates).Observe);
    }

    public async ValueTask DisposeAsync()
    {
        await _certificates.DisposeAsync();
        _authority.Dispose();
    }

    [Fact]
    public void T14_Workload_OfThisNode_IsPrefetchedOnce()
    {
        Set(Pod("a1", "alice"));
        Set(Pod("a2", "alice"));

        Assert.Equal(["alice"], Accounts());
    }

    [Fact]
    public void T14_Workload_OfAnotherNodeOrWithoutTunnel_IsNot()
    {
        Set(Pod("a1", "alice") with { Node = "node2" });
        Set(Pod("b1", "bob") with { Protocol = TunnelProtocol.None });
        Set(Pod("c1", "carol") with { Protocol = TunnelProtocol.None, NativeTunnel = true });

        Assert.Equal(["carol"], Accounts());
    }

    [Fact]
    public void T14_Workload_WithNoLocalNode_IsNot()
    {
        var mesh = new MeshState(MeshSnapshot.Empty(localNode: null), TimeProvider.System);
        mesh.Observe(new LocalIdentityPrefetch(_certificates).Observe);

        mesh.Update(snapshot => With(snapshot, builder => builder.SetWorkload(Pod("a1", "alice"))));

        Assert.Empty(Accounts());
    }

    [Fact]
    public void E10_T14_RemovalOfTheLastWorkload_ForgetsTheCertificate()
    {
        Set(Pod("a1", "alice"));
        Set(Pod("a2", "alice"));
        Set(Pod("a3", "alice") with { Node = "node2" });

        Remove("a3");
        Remove("a1");
        Assert.Equal(["alice"], Accounts());

        Remove("a2");
        Assert.Empty(Accounts());
    }

    [Fact]
    public void T14_Workload_ChangesItsIdentity_SwapsTheCertificates()
    {
        Set(Pod("a1", "alice"));

        Set(Pod("a1", "bob"));

        Assert.Equal(["bob"], Accounts());
    }

    [Fact]
    public void T14_SameAccountOfAnotherTrustDomain_DoesNotKeepTheCertificate()
    {
        Set(Pod("a1", "alice"));
        Set(Pod("a2", "alice") with { TrustDomain = "other.test" });

        Remove("a1");

        Assert.Equal("other.test", Assert.Single(_certificates.Entries).Identity.TrustDomain);
    }

    [Fact]
    public void T14_Workload_MovesToAnotherNode_IsForgotten()
    {
        Set(Pod("a1", "alice"));

        Set(Pod("a1", "alice") with { Node = "node2" });

        Assert.Empty(Accounts());
    }

    [Fact]
    public void Observe_WorkloadsThatWereThereBefore_ArePrefetched()
    {
        var mesh = new MeshState(
            With(MeshSnapshot.Empty(ThisNode), builder => builder.SetWorkload(Pod("a1", "alice"))), TimeProvider.System);

        mesh.Observe(new LocalIdentityPrefetch(_certificates).Observe);

        Assert.Equal(["alice"], Accounts());
    }

    [Fact]
    public async Task Observe_AfterTheEndOfTheCertificates_DoesNothing()
    {
        await _certificates.DisposeAsync();

        Set(Pod("a1", "alice"));

        Assert.Empty(Accounts());
    }

    private static Workload Pod(string name, string serviceAccount) => new()
    {
        Uid = name,
        Name = name,
        Namespace = "default",
        ServiceAccount = serviceAccount,
        TrustDomain = "cluster.local",
        Node = ThisNode,
        Protocol = TunnelProtocol.Hbone,
    };

    private static MeshSnapshot With(MeshSnapshot snapshot, Action<MeshSnapshot.Builder> change)
    {
        var builder = snapshot.ToBuilder();
        change(builder);
        return builder.ToSnapshot();
    }

    private void Set(Workload workload) =>
        _mesh.Update(snapshot => With(snapshot, builder => builder.SetWorkload(workload)));

    private void Remove(string uid) =>
        _mesh.Update(snapshot => With(snapshot, builder => builder.RemoveWorkload(uid)));

    private IEnumerable<string> Accounts() => _certificates.Entries.Select(entry => entry.Identity.ServiceAccount);
}
