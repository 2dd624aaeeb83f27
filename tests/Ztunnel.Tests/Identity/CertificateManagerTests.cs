using Hbone.Tls;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Identity;
using static Ztunnel.Tests.Identity.TestCertificates;

namespace Ztunnel.Tests.Identity;

public sealed class CertificateManagerTests : IAsyncDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly ManualTime _time = new();
    private readonly FakeAuthority _authority = new();
    private readonly CertificateManager _manager;

    public CertificateManagerTests() =>
        _manager = new CertificateManager(_authority, _time, NullLogger<CertificateManager>.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _manager.DisposeAsync();
        _authority.Dispose();
    }

    [Fact]
    public async Task T4_Fetch_ManyAtOnce_ShareOneCallAndOneCertificate()
    {
        var fetches = Enumerable.Range(0, 5).Select(_ => _manager.FetchAsync(Alice, Token).AsTask()).ToArray();
        var issued = (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);

        var certificates = await Task.WhenAll(fetches);

        Assert.All(certificates, certificate => Assert.Same(issued, certificate));
        Assert.Equal(1, _authority.CallCount);
    }

    [Fact]
    public async Task Fetch_Available_CompletesSynchronously()
    {
        var issued = await IssueFirstAsync(Day);

        var fetch = _manager.FetchAsync(Alice, Token);

        Assert.True(fetch.IsCompletedSuccessfully);
        Assert.Same(issued, await fetch);
    }

    [Fact]
    public async Task Fetch_CallerGivesUp_OthersStillGetTheirCertificate()
    {
        using var givingUp = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var impatient = _manager.FetchAsync(Alice, givingUp.Token).AsTask();
        var patient = _manager.FetchAsync(Alice, Token).AsTask();

        await givingUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        var issued = (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);
        Assert.Same(issued, await patient);
    }

    [Fact]
    public async Task T2_D12_Renewal_ShortlyBeforeHalfLife_ReplacesTheCertificate()
    {
        var old = await IssueFirstAsync(Day);

        _time.Advance(Day * 0.449);
        Assert.Equal(1, _authority.CallCount);
        _time.Advance(Day * 0.052);
        var renewed = (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);

        await UntilAsync(async () => ReferenceEquals(renewed, await _manager.FetchAsync(Alice, Token)));
        Assert.NotEqual(nint.Zero, old.Leaf.Handle); // connections opened with it go on using it
    }

    [Fact]
    public async Task T7_D12_Renewal_Fails_KeepsTheValidCertificateAndRetries()
    {
        var issued = await IssueFirstAsync(Day);
        _time.Advance(Day / 2);
        (await _authority.NextCallAsync()).Fail("no CA");

        Assert.Same(issued, await _manager.FetchAsync(Alice, Token));
        Assert.Equal("Available", Assert.Single(_manager.Entries).State);
        await AdvanceUntilNextCallAsync(TimeSpan.FromSeconds(1.2));
    }

    [Fact]
    public async Task Renewal_FailsUntilExpiry_FailsClosed()
    {
        await IssueFirstAsync(Day);
        _time.Advance(Day / 2);
        (await _authority.NextCallAsync()).Fail("no CA");
        await AdvanceUntilNextCallAsync(TimeSpan.FromSeconds(1.2));

        _time.Advance(Day);

        Assert.NotNull(await FailureAsync());
        Assert.StartsWith("Unavailable: ", Assert.Single(_manager.Entries).State, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D12_Fetch_ClockJumpedPastExpiry_WaitsForANewCertificate()
    {
        await IssueFirstAsync(Day);
        _time.Advance(2 * Day);

        var fetch = _manager.FetchAsync(Alice, Token);

        Assert.False(fetch.IsCompleted);
        var renewed = (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);
        Assert.Same(renewed, await fetch);
    }

    [Fact]
    public async Task T6_Fetch_FirstAttemptFails_ErrorIsSharedAndStaysUntilARetrySucceeds()
    {
        var waiters = Enumerable.Range(0, 3).Select(_ => _manager.FetchAsync(Alice, Token).AsTask()).ToArray();
        (await _authority.NextCallAsync()).Fail("no CA");

        foreach (var waiter in waiters)
        {
            Assert.Equal("no CA", (await Assert.ThrowsAsync<IdentityException>(() => waiter)).Message);
        }

        Assert.Equal("no CA", await FailureAsync());
        Assert.Equal(1, _authority.CallCount);
        var retry = await AdvanceUntilNextCallAsync(TimeSpan.FromSeconds(1.2));
        var issued = retry.Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);
        await UntilAsync(async () => await FailureAsync() is null);
        Assert.Same(issued, await _manager.FetchAsync(Alice, Token));
    }

    [Fact]
    public async Task Fetch_ExpiredAnswerOfTheCa_IsRefused()
    {
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow() - Day, _time.GetUtcNow());

        var error = await Assert.ThrowsAsync<IdentityException>(() => fetch);

        Assert.Equal("signing error: the CA's certificate expired at 2026-08-20 12:00:00Z", error.Message);
    }

    [Fact]
    public async Task Fetch_SilentCa_FailsAfterThirtySeconds()
    {
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        await _authority.NextCallAsync();

        await UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(31));
            return Task.FromResult(fetch.IsCompleted);
        });

        var error = await Assert.ThrowsAsync<IdentityException>(() => fetch);
        Assert.Equal("signing error: no answer from the CA in 30 s", error.Message);
    }

    [Fact]
    public async Task Fetch_CaBreaksUnexpectedly_IsAnErrorAndRetried()
    {
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        (await _authority.NextCallAsync()).Answer.SetException(new InvalidOperationException("bug"));

        Assert.Equal("bug", (await Assert.ThrowsAsync<IdentityException>(() => fetch)).Message);
        await AdvanceUntilNextCallAsync(TimeSpan.FromSeconds(1.2));
    }

    [Fact]
    public async Task T5_Forget_WhileWaiting_FailsTheWaiterAndRemovesTheEntry()
    {
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        await _authority.NextCallAsync();

        _manager.Forget(Alice);

        var error = await Assert.ThrowsAsync<IdentityException>(() => fetch);
        Assert.Equal("the identity is no longer needed", error.Message);
        Assert.Empty(_manager.Entries);
    }

    [Fact]
    public async Task Fetch_DuringALongBackoff_BringsTheNextAttemptForward()
    {
        _manager.Prefetch(Alice);
        for (var failure = 1; failure <= 8; failure++)
        {
            var call = await _authority.NextCallAsync();
            call.Fail($"failure {failure}");
            await UntilAsync(() => Task.FromResult(
                Assert.Single(_manager.Entries).State == $"Unavailable: failure {failure}" && _time.NextDue is not null));
            _time.Advance(failure < 8 ? TimeSpan.FromSeconds(180) : TimeSpan.Zero);
        }

        var soon = _time.GetUtcNow() + TimeSpan.FromSeconds(10);
        Assert.True(_time.NextDue > soon);
        Assert.Equal("failure 8", await FailureAsync());
        await UntilAsync(() => Task.FromResult(_time.NextDue <= soon));
        _time.Advance(TimeSpan.FromSeconds(10));

        await _authority.NextCallAsync();
    }

    [Fact]
    public async Task Fetch_CertificateFromTheFuture_IsUsedAndAskedForAgain()
    {
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        var call = await _authority.NextCallAsync();
        var early = call.Succeed(_time.GetUtcNow() + TimeSpan.FromHours(1), _time.GetUtcNow() + Day);

        Assert.Same(early, await fetch);
        await AdvanceUntilNextCallAsync(TimeSpan.FromSeconds(1.2));
    }

    [Fact]
    public async Task Renewal_CertificateFromTheFuture_KeepsTheValidOne()
    {
        var valid = await IssueFirstAsync(Day);
        _time.Advance(Day / 2);
        var call = await _authority.NextCallAsync();
        call.Succeed(_time.GetUtcNow() + TimeSpan.FromHours(1), _time.GetUtcNow() + Day);

        await AdvanceUntilNextCallAsync(TimeSpan.FromSeconds(1.2));
        Assert.Same(valid, await _manager.FetchAsync(Alice, Token));
    }

    [Fact]
    public async Task T2_Fetch_HundredIdentitiesByEightCallers_AreHundredEntries()
    {
        var answering = AnswerAsync(100);
        var identities = Enumerable.Range(0, 100).Select(i => Named($"sa{i}")).ToArray();

        var fetches = from caller in Enumerable.Range(0, 8)
                      from identity in identities
                      select _manager.FetchAsync(identity, Token).AsTask();
        await Task.WhenAll(fetches.ToArray());
        await answering;

        Assert.Equal(100, _authority.CallCount);
        Assert.All(_manager.Entries, entry => Assert.Equal("Available", entry.State));
        Assert.Equal(100, _manager.Entries.Count);
    }

    [Fact]
    public async Task T3_Prefetch_FillsItsPlaces_AndAConnectionGetsAReservedOne()
    {
        foreach (var i in Enumerable.Range(0, 9))
        {
            _manager.Prefetch(Named($"warm{i}"));
        }

        for (var running = 0; running < 6; running++)
        {
            await _authority.NextCallAsync();
        }

        _ = _manager.FetchAsync(Alice, Token).AsTask();

        Assert.Equal(Alice, (await _authority.NextCallAsync()).Identity);
        Assert.Equal(7, _authority.CallCount);
    }

    [Fact]
    public async Task T3_Fetch_OfAQueuedPrefetch_RaisesIt()
    {
        var warm = Enumerable.Range(0, 9).Select(i => Named($"warm{i}")).ToArray();
        Array.ForEach(warm, _manager.Prefetch);
        var started = new List<SpiffeId>();
        for (var running = 0; running < 6; running++)
        {
            started.Add((await _authority.NextCallAsync()).Identity);
        }

        var queued = warm.Except(started).Last();
        _ = _manager.FetchAsync(queued, Token).AsTask();

        Assert.Equal(queued, (await _authority.NextCallAsync()).Identity);
    }

    [Fact]
    public async Task T4_Fetch_OfFourIdentities_AreUnderWayAtTheSameTime()
    {
        var fetches = Enumerable.Range(0, 4).Select(i => _manager.FetchAsync(Named($"w{i}"), Token).AsTask()).ToArray();

        List<FakeAuthority.Call> calls = [];
        for (var i = 0; i < fetches.Length; i++)
        {
            calls.Add(await _authority.NextCallAsync()); // none of them has been answered
        }

        Assert.All(fetches, fetch => Assert.False(fetch.IsCompleted));
        calls.ForEach(call => call.Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day));
        await Task.WhenAll(fetches);
        Assert.Equal(4, _authority.CallCount);
    }

    [Fact]
    public async Task Prefetch_ThenFetch_IsOneCall()
    {
        _manager.Prefetch(Alice);
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        var issued = (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);

        Assert.Same(issued, await fetch);
        Assert.Equal(1, _authority.CallCount);
    }

    [Fact]
    public async Task Forget_ThenFetch_StartsAnew()
    {
        var first = await IssueFirstAsync(Day);

        _manager.Forget(Alice);

        Assert.NotSame(first, await IssueFirstAsync(Day));
    }

    [Fact]
    public async Task Renewal_NobodyUsedIt_IsForgottenInstead()
    {
        await using var manager = ManagerThatDropsUnused();
        var fetch = manager.FetchAsync(Alice, Token).AsTask();
        (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);
        await fetch;

        _time.Advance(Day / 2);
        await UntilAsync(() => Task.FromResult(manager.Entries.Count == 0));

        Assert.Equal(1, _authority.CallCount);
    }

    [Fact]
    public async Task Renewal_OfAPrefetchedOneThatNobodyUsed_Happens()
    {
        await using var manager = ManagerThatDropsUnused();
        manager.Prefetch(Alice);
        (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);

        await UntilAsync(() => Task.FromResult(Assert.Single(manager.Entries).State == "Available"));
        _time.Advance(Day / 2);
        await _authority.NextCallAsync();

        Assert.Single(manager.Entries);
    }

    [Fact]
    public async Task Entries_ThreeStates_AreSortedByIdentity()
    {
        var failing = _manager.FetchAsync(Named("b"), Token).AsTask();
        (await _authority.NextCallAsync()).Fail("no CA");
        await Assert.ThrowsAsync<IdentityException>(() => failing);
        _ = _manager.FetchAsync(Named("a"), Token).AsTask();
        await IssueFirstAsync(Day, Named("c"));

        Assert.Equal(["Initializing", "Unavailable: no CA", "Available"], _manager.Entries.Select(e => e.State));
    }

    private async Task<WorkloadCertificate> IssueFirstAsync(TimeSpan life, SpiffeId? identity = null)
    {
        identity ??= Alice;
        var fetch = _manager.FetchAsync(identity, Token).AsTask();
        var call = await _authority.NextCallAsync();
        while (call.Identity != identity)
        {
            call = await _authority.NextCallAsync();
        }

        call.Succeed(_time.GetUtcNow(), _time.GetUtcNow() + life);
        return await fetch;
    }

    private async Task<FakeAuthority.Call> AdvanceUntilNextCallAsync(TimeSpan by)
    {
        var next = _authority.NextCallAsync().AsTask();
        await UntilAsync(() =>
        {
            _time.Advance(by);
            return Task.FromResult(next.IsCompleted);
        });
        return await next;
    }

    private CertificateManager ManagerThatDropsUnused() => new(
        _authority,
        _time,
        NullLogger<CertificateManager>.Instance,
        new CertificateManagerOptions { RenewUnused = false });

    private async Task AnswerAsync(int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);
        }
    }

    private static SpiffeId Named(string serviceAccount) => new("cluster.local", "default", serviceAccount);

    private async Task<string?> FailureAsync()
    {
        try
        {
            await _manager.FetchAsync(Alice, Token);
            return null;
        }
        catch (IdentityException e)
        {
            return e.Message;
        }
    }

    /// <summary>Lets other tasks run until the condition holds, for ten seconds at most.</summary>
    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
