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

    public ValueTask DisposeAsync() => _manager.DisposeAsync();

    [Fact]
    public async Task Fetch_ManyAtOnce_ShareOneCallAndOneCertificate()
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
    public async Task Renewal_ShortlyBeforeHalfLife_ReplacesTheCertificate()
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
    public async Task Renewal_Fails_KeepsTheValidCertificateAndRetries()
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
    public async Task Fetch_ClockJumpedPastExpiry_WaitsForANewCertificate()
    {
        await IssueFirstAsync(Day);
        _time.Advance(2 * Day);

        var fetch = _manager.FetchAsync(Alice, Token);

        Assert.False(fetch.IsCompleted);
        var renewed = (await _authority.NextCallAsync()).Succeed(_time.GetUtcNow(), _time.GetUtcNow() + Day);
        Assert.Same(renewed, await fetch);
    }

    [Fact]
    public async Task Fetch_FirstAttemptFails_ErrorIsSharedAndStaysUntilARetrySucceeds()
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
    public async Task Forget_WhileWaiting_FailsTheWaiterAndRemovesTheEntry()
    {
        var fetch = _manager.FetchAsync(Alice, Token).AsTask();
        await _authority.NextCallAsync();

        await _manager.ForgetAsync(Alice);

        var error = await Assert.ThrowsAsync<IdentityException>(() => fetch);
        Assert.Equal("the identity is no longer needed", error.Message);
        Assert.Empty(_manager.Entries);
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
