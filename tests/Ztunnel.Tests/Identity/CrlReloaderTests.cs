using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Identity;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Identity;

/// <summary>The file of <c>CRL_PATH</c> as it comes, changes, breaks and goes; data-path 8.6 and 13, C1, 14.11.</summary>
public sealed class CrlReloaderTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ztunnel-crl-");
    private readonly ManualTime _time = new();
    private readonly TestRevocations _authority = new();
    private CrlReloader? _reloader;

    private string FilePath => Path.Combine(_directory.FullName, "ca-crl.pem");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _reloader?.Dispose();
        _authority.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public void T15_Start_ValidFile_IsInForce()
    {
        File.WriteAllText(FilePath, _authority.Pem(1) + _authority.Pem(2));

        AssertState(Start(), lists: 2, hasFailed: false);
    }

    [Fact]
    public void T15_Start_EmptyFile_RevokesNothingAndIsNoFailure()
    {
        File.WriteAllText(FilePath, "");

        AssertState(Start(), lists: 0, hasFailed: false);
    }

    [Fact]
    public void T15_Start_MissingFile_IsLookedForWithEachConnection()
    {
        var reloader = Start();
        AssertState(reloader, lists: 0, hasFailed: true);
        reloader.RetryIfMissing();
        Assert.Equal(1, reloader.Failed); // missing is said once

        File.WriteAllText(FilePath, _authority.Pem(1));
        reloader.RetryIfMissing();

        AssertState(reloader, lists: 1, hasFailed: false);
    }

    [Fact]
    public void T15_Start_InvalidFile_IsAFailureUntilItIsRepaired()
    {
        File.WriteAllText(FilePath, "garbage");
        var reloader = Start();
        AssertState(reloader, lists: 0, hasFailed: true);

        File.WriteAllText(FilePath, _authority.Pem(1));
        LetTheWatchLook();

        AssertState(reloader, lists: 1, hasFailed: false);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("-----BEGIN X509 CRL-----\nMIIB")]
    [InlineData(null)]
    public void T15_Reload_BrokenOrMissing_KeepsTheListsBefore(string? content)
    {
        File.WriteAllText(FilePath, _authority.Pem(1));
        var reloader = Start();
        var before = reloader.Peers.Current;

        Put(content);
        LetTheWatchLook();

        Assert.Same(before, reloader.Peers.Current);
        AssertState(reloader, lists: 1, hasFailed: true);
        Assert.Equal((1, 1), (reloader.Succeeded, reloader.Failed));
    }

    [Fact]
    public void Reload_LongerThanAnyList_KeepsTheListsBefore()
    {
        File.WriteAllText(FilePath, _authority.Pem(1));
        var reloader = Start();

        using (var file = File.OpenWrite(FilePath))
        {
            file.SetLength(CrlFile.MaxLength + 1L); // sparse: takes no space
        }

        LetTheWatchLook();

        AssertState(reloader, lists: 1, hasFailed: true);
    }

    [Fact]
    public void Reload_Repaired_IsInForceAndNoFailureAnyMore()
    {
        File.WriteAllText(FilePath, _authority.Pem(1));
        var reloader = Start();
        Put("garbage");
        LetTheWatchLook();

        Put(_authority.Pem(1) + _authority.Pem(2));
        LetTheWatchLook();

        AssertState(reloader, lists: 2, hasFailed: false);
    }

    [Fact]
    public void Reload_EmptiedFile_IsAnOrderToRevokeNothing()
    {
        File.WriteAllText(FilePath, _authority.Pem(1));
        var reloader = Start();

        Put("");
        LetTheWatchLook();

        AssertState(reloader, lists: 0, hasFailed: false);
    }

    [Fact]
    public void T15_Reload_SameContentWrittenAgain_IsNotPutInForceAgain()
    {
        File.WriteAllText(FilePath, _authority.Pem(1));
        var reloader = Start();
        var before = reloader.Peers.Current;

        Put(File.ReadAllText(FilePath));
        LetTheWatchLook();

        Assert.Same(before, reloader.Peers.Current);
        Assert.Equal(1, reloader.Succeeded);
    }

    [Fact]
    public void Directory_ThatComesLater_IsWatched()
    {
        var later = Path.Combine(_directory.FullName, "later", "ca-crl.pem");
        using var reloader = new CrlReloader(later, _time, NullLogger<CrlReloader>.Instance);

        Directory.CreateDirectory(Path.GetDirectoryName(later)!);
        File.WriteAllText(later, _authority.Pem(1));
        LetTheWatchLook();

        AssertState(reloader, lists: 1, hasFailed: false);
    }

    [Fact]
    public async Task Kubernetes_LinkSwapped_IsReadAgain()
    {
        var mount = new ConfigMapMount(_directory.FullName, "ca-crl.pem");
        await mount.PublishAsync(_authority.Pem(1), Token);
        var reloader = Start();
        AssertState(reloader, lists: 1, hasFailed: false);

        await mount.PublishAsync(_authority.Pem(1) + _authority.Pem(2), Token);
        LetTheWatchLook();

        AssertState(reloader, lists: 2, hasFailed: false);
    }

    [Fact]
    public async Task Metrics_SayWhatIsInForce()
    {
        File.WriteAllText(FilePath, _authority.Pem(1));
        var reloader = Start();
        Put("garbage");
        LetTheWatchLook();
        var registry = new MetricsRegistry();
        CrlMetrics.Add(registry, reloader);
        using var output = new MemoryStream();

        await registry.WriteAsync(output, Token);

        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n').Where(line => line is not ['#', ..] and not "");
        Assert.Equal(
            [
                "istio_crl_policy_rejections_total{reporter=\"source\"} 0",
                "istio_crl_policy_rejections_total{reporter=\"destination\"} 0",
                "istio_crl_untracked_connections_total{reporter=\"source\"} 0",
                "istio_crl_untracked_connections_total{reporter=\"destination\"} 0",
                "istio_crl_load_failed 1",
                "istio_crl_lists 1",
                "istio_crl_reloads_total{result=\"success\"} 1",
                "istio_crl_reloads_total{result=\"failure\"} 1",
            ],
            lines);
    }

    private static void AssertState(CrlReloader reloader, int lists, bool hasFailed) =>
        Assert.Equal((lists, hasFailed), (reloader.Peers.Current.Count, reloader.HasFailed));

    private CrlReloader Start() =>
        _reloader = new CrlReloader(FilePath, _time, NullLogger<CrlReloader>.Instance);

    // The timer's look and then the debounce: also when the kernel's event was there before.
    private void LetTheWatchLook()
    {
        _time.Advance(DirectoryWatch.LookInterval);
        _time.Advance(DirectoryWatch.Debounce);
    }

    // A new file in place of the old one, surely with another time.
    private void Put(string? content)
    {
        File.Delete(FilePath);
        if (content is not null)
        {
            File.WriteAllText(FilePath, content);
            File.SetLastWriteTimeUtc(FilePath, DateTime.UtcNow.AddMinutes(1));
        }
    }
}
