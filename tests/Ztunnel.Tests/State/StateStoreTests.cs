using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Google.Protobuf;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Policy;
using Ztunnel.Protos.State;
using Ztunnel.State;
using Ztunnel.Tests.ControlPlane;
using Ztunnel.Tests.Mesh;

namespace Ztunnel.Tests.State;

/// <summary>The file of <c>STATE_DIR</c>: whole or not at all, and never more permissive than what was saved.</summary>
[SuppressMessage("Interoperability", "CA1416", Justification = "The proxy runs on Linux only.")]
public sealed class StateStoreTests : IDisposable
{
    private readonly StateFolder _folder = new();

    private static MeshSnapshot Mesh { get; } = Of(
        [TestMesh.Pod("a", "10.0.0.1").Hbone() with { AuthorizationPolicies = ["ns1/deny"] }],
        [TestMesh.Service("web.ns1.svc.cluster.local", "80:8080", "10.9.0.1")],
        [Deny("deny")]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_WithoutAFile_IsNull() => Assert.Null(_folder.Load());

    [Fact]
    public void Load_WhatWasSaved_IsTheSameMeshWithNamesAndAge()
    {
        Assert.True(_folder.Store.Save(Mesh, _folder.Now));
        _folder.Time.Advance(TimeSpan.FromHours(1));

        var loaded = _folder.Load()!;

        Assert.Equal(MeshDump.Of(Mesh).ToJsonString(), MeshDump.Of(loaded.Mesh).ToJsonString());
        Assert.Equal(["cluster1//Pod/ns1/a", "ns1/web.ns1.svc.cluster.local"], loaded.Addresses.Order(StringComparer.Ordinal));
        Assert.Equal(["ns1/deny"], loaded.Policies);
        Assert.Equal(TimeSpan.FromHours(1), loaded.Age);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File));
    }

    [Fact]
    public void Save_ALocalFilesObjects_AreLeftOut()
    {
        var local = LocalMeshFile.Parse(
            """
            workloads:
            - name: local
              namespace: ns1
              serviceAccount: local
              workloadIps: ["10.0.0.9"]
              services: {}
            """,
            "test");
        var store = new StateStore(_folder.Options, local, _folder.Time);

        store.Save(local.ApplyTo(Mesh), _folder.Now);

        Assert.Equal(["a"], _folder.Load()!.Mesh.Workloads.Select(workload => workload.Name));
    }

    [Fact]
    public void Load_CutAtAnyByte_IsRefused()
    {
        var whole = Saved();
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(_folder.File, whole[..length]);

            Assert.Contains(_folder.File, Assert.Throws<SnapshotException>(_folder.Load).Message);
        }
    }

    [Fact]
    public void Load_WithMoreBehind_IsRefused()
    {
        File.WriteAllBytes(_folder.File, [.. Saved(), 0]);

        Assert.Contains("too long", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_AnyBitFlipped_IsRefused()
    {
        var whole = Saved();
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            var altered = (byte[])whole.Clone();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(_folder.File, altered);

            Assert.Throws<SnapshotException>(_folder.Load);
        }
    }

    /// <summary>Behind a checksum that is right: what the file says is still not believed.</summary>
    [Fact]
    public void Load_RandomBodiesWithTheRightChecksum_AreRefusedOrSayWhatTheyHold()
    {
        var whole = Saved();
        var random = new Random(7);
        for (var round = 0; round < 2_000; round++)
        {
            var altered = (byte[])whole.Clone();
            var at = random.Next(SnapshotHeader.Length, altered.Length);
            random.NextBytes(altered.AsSpan(at, Math.Min(random.Next(1, 9), altered.Length - at)));
            File.WriteAllBytes(_folder.File, WithChecksum(altered));
            try
            {
                Assert.Single(_folder.Load()!.Mesh.Policies);
            }
            catch (SnapshotException)
            {
                // Nothing of it is used.
            }
        }
    }

    [Theory]
    [InlineData(0xFFFF_FFFFu)]
    [InlineData(0x7FFF_FFFFu)]
    [InlineData(0x1_0000u)]
    public void Load_RecordThatSaysItIsHuge_IsRefusedWithoutAllocatingIt(uint length)
    {
        var altered = Saved();
        BinaryPrimitives.WriteUInt32LittleEndian(altered.AsSpan(SnapshotHeader.Length + 1), length);
        File.WriteAllBytes(_folder.File, WithChecksum(altered));
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Contains($"a record of {length} bytes", Assert.Throws<SnapshotException>(_folder.Load).Message);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void Load_BodyLengthThatIsHuge_IsRefused()
    {
        var altered = Saved();
        BinaryPrimitives.WriteUInt64LittleEndian(altered.AsSpan(12), ulong.MaxValue);
        File.WriteAllBytes(_folder.File, altered);

        Assert.Contains($"{ulong.MaxValue}", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_AnotherFormat_IsRefusedByNumber()
    {
        var altered = Saved();
        altered[8] = 2;
        File.WriteAllBytes(_folder.File, altered);

        Assert.Contains("format 2, but this version reads format 1", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_WithAPolicyThatCannotBeUsed_IsRefusedWhole()
    {
        var policy = new Protos.SecurityApi.Authorization { Name = "p", Namespace = "ns1", Action = (Protos.SecurityApi.Action)9 };

        WriteRecords(new SnapshotInfo { Policies = 1 }, (RecordKind.Authorization, policy));

        Assert.Contains("unknown policy action 9", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_WithFewerPoliciesThanItSays_IsRefusedWhole()
    {
        WriteRecords(new SnapshotInfo { Policies = 1 });

        Assert.Contains("0 policies are not what it says", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_RecordOfAnUnknownKind_IsRefused()
    {
        WriteRecords(new SnapshotInfo(), ((RecordKind)9, new SnapshotInfo()));

        Assert.Contains("unknown kind 9", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_OlderThanTheLimit_IsRefused()
    {
        _folder.Store.Save(Mesh, _folder.Now);
        _folder.Time.Advance(TimeSpan.FromHours(24));
        Assert.NotNull(_folder.Load());

        _folder.Time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Contains("STATE_MAX_AGE", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Fact]
    public void Load_FromTheFuture_IsRefusedBeyondWhatClocksDifferBy()
    {
        _folder.Store.Save(Mesh, _folder.Now + TimeSpan.FromMinutes(5));
        Assert.Equal(TimeSpan.Zero, _folder.Load()!.Age);

        _folder.Store.Save(Mesh, _folder.Now + TimeSpan.FromMinutes(6));

        Assert.Contains("in the future", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Load_TimeThatDoesNotExist_IsRefused(long confirmedAt)
    {
        WriteRecords(new SnapshotInfo { ConfirmedAt = confirmedAt });

        Assert.Contains("a time that does not exist", Assert.Throws<SnapshotException>(_folder.Load).Message);
    }

    [Theory]
    [InlineData("cluster")]
    [InlineData("on demand")]
    public void Load_OfAnotherMesh_IsRefused(string what)
    {
        _folder.Store.Save(Mesh, _folder.Now);
        _folder.Options = what == "cluster"
            ? _folder.Options with { ClusterId = "other" }
            : _folder.Options with { XdsOnDemand = true };

        Assert.Throws<SnapshotException>(_folder.Load);
    }

    [Fact]
    public void Save_AfterWhatWasConfirmedLater_LeavesThat()
    {
        _folder.Store.Save(Mesh, _folder.Now);

        Assert.False(_folder.Store.Save(TestMesh.Empty, _folder.Now - TimeSpan.FromSeconds(1)));

        Assert.Single(_folder.Load()!.Policies);
    }

    /// <summary>Else a clock that was ahead once would stop all writes until it is that late.</summary>
    [Fact]
    public void Save_OverAFileFromTheFutureOrDamaged_ReplacesIt()
    {
        _folder.Store.Save(TestMesh.Empty, _folder.Now + TimeSpan.FromDays(1));
        Assert.True(_folder.Store.Save(Mesh, _folder.Now));
        Assert.Single(_folder.Load()!.Policies);

        File.WriteAllText(_folder.File, "junk");
        Assert.True(_folder.Store.Save(Mesh, _folder.Now));
        Assert.Single(_folder.Load()!.Policies);
    }

    [Fact]
    public void Save_ThatFails_LeavesTheOneBeforeAndNothingElse()
    {
        _folder.Store.Save(Mesh, _folder.Now);
        var broken = Of([TestMesh.Pod("b", "10.0.0.2") with { Protocol = (TunnelProtocol)9 }], [], []);

        Assert.Throws<InvalidOperationException>(() => _folder.Store.Save(broken, _folder.Now));

        Assert.Single(_folder.Load()!.Policies);
        Assert.Equal([_folder.File], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Save_OverWhatADeadProcessLeft_Succeeds()
    {
        Directory.CreateDirectory(_folder.Path);
        File.WriteAllText(_folder.File + ".new", "half of a file");

        Assert.True(_folder.Store.Save(Mesh, _folder.Now));

        Assert.Equal([_folder.File], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Load_FileThatOthersMayWrite_IsRefused()
    {
        _folder.Store.Save(Mesh, _folder.Now);
        File.SetUnixFileMode(_folder.File, UnixFileMode.UserRead | UnixFileMode.OtherWrite);

        Assert.Contains(_folder.File, Assert.Throws<IOException>(_folder.Load).Message);
    }

    /// <summary>Two versions of the proxy on one node, while one replaces the other.</summary>
    [Fact]
    public async Task Save_FromManyWritersAtOnce_IsAlwaysWholeAndTheLatestStays()
    {
        const int Writers = 4, Rounds = 50;
        var start = _folder.Now;
        _folder.Store.Save(Mesh, start);
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
        {
            for (var round = 1; round <= Rounds; round++)
            {
                var confirmedAt = start + TimeSpan.FromMilliseconds((round * Writers) + writer);
                for (var saved = false; !saved;)
                {
                    try
                    {
                        _folder.Store.Save(Mesh, confirmedAt);
                        saved = true;
                    }
                    catch (IOException e) when (e.Message.Contains("another proxy", StringComparison.Ordinal))
                    {
                        Thread.Yield();
                    }
                }

                Assert.Single(_folder.Load()!.Policies);
            }
        })).ToArray();

        await Task.WhenAll(writers);

        Assert.Equal(start + TimeSpan.FromMilliseconds((Rounds * Writers) + Writers - 1), _folder.Load()!.ConfirmedAt);
    }

    private static MeshSnapshot Of(
        IEnumerable<Workload> workloads, IEnumerable<Service> services, IEnumerable<Authorization> policies)
    {
        var builder = TestMesh.Empty.ToBuilder();
        foreach (var workload in workloads)
        {
            builder.SetWorkload(workload);
        }

        foreach (var service in services)
        {
            builder.SetService(service);
        }

        foreach (var policy in policies)
        {
            builder.SetPolicy(policy);
        }

        return builder.ToSnapshot();
    }

    private static Authorization Deny(string name) =>
        new(name, "ns1", PolicyScope.WorkloadSelector, PolicyAction.Deny, [new PolicyRule([])], DryRun: false);

    private static byte[] WithChecksum(byte[] file)
    {
        byte[] hashed = [.. file[..SnapshotHeader.HashedLength], .. SHA256.HashData(file.AsSpan(SnapshotHeader.Length))];
        SHA256.HashData(hashed).CopyTo(file, SnapshotHeader.HashedLength);
        return file;
    }

    private byte[] Saved()
    {
        _folder.Store.Save(Mesh, _folder.Now);
        return File.ReadAllBytes(_folder.File);
    }

    private void WriteRecords(SnapshotInfo info, params (RecordKind, IMessage)[] records)
    {
        info.ClusterId = _folder.Options.ClusterId;
        info.ConfirmedAt = info.ConfirmedAt == 0 ? _folder.Now.ToUnixTimeMilliseconds() : info.ConfirmedAt;
        _folder.Store.Save(Mesh, _folder.Now);
        using var file = new FileStream(_folder.File, FileMode.Create);
        using var writer = new SnapshotWriter(file);
        writer.Write(info, records);
    }
}
