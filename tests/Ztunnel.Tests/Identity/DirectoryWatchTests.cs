using Ztunnel.Identity;

namespace Ztunnel.Tests.Identity;

public sealed class DirectoryWatchTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ztunnel-watch-");
    private readonly ManualTime _time = new();
    private int _told;
    private bool _looksChanged;

    private string FilePath => Path.Combine(_directory.FullName, "file");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Events_WithinTheDebounce_AreToldOnce()
    {
        using var watch = Start();

        watch.OnEvent();
        _time.Advance(TimeSpan.FromSeconds(1));
        watch.OnEvent();
        Assert.Equal(0, _told);

        _time.Advance(TimeSpan.FromSeconds(1)); // 2 s after the first
        Assert.Equal(1, _told);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, _told);
    }

    [Fact]
    public void Events_WithoutEnd_AreToldAllTheSame()
    {
        using var watch = Start();

        for (var i = 0; i < 40; i++)
        {
            watch.OnEvent();
            _time.Advance(TimeSpan.FromSeconds(0.5));
        }

        Assert.Equal(10, _told);
    }

    [Fact]
    public void Look_FindsAChangeWithoutEvents_IsTold()
    {
        using var watch = Start();
        _time.Advance(DirectoryWatch.LookInterval);
        _time.Advance(DirectoryWatch.Debounce);
        Assert.Equal(0, _told);

        _looksChanged = true;
        _time.Advance(DirectoryWatch.LookInterval);
        _time.Advance(DirectoryWatch.Debounce);

        Assert.Equal(1, _told);
    }

    [Fact]
    public void Disposed_TellsNothing()
    {
        var watch = Start();
        watch.OnEvent();
        watch.Dispose();

        watch.OnEvent();
        _looksChanged = true;
        _time.Advance(DirectoryWatch.LookInterval);
        _time.Advance(DirectoryWatch.Debounce);

        Assert.Equal(0, _told);
    }

    [Fact]
    public void DirectoryMissing_SaysWhy()
    {
        using var watch = new DirectoryWatch(
            Path.Combine(_directory.FullName, "nowhere", "file"), () => false, () => { }, _time);

        Assert.NotNull(watch.Error);
    }

    [Theory]
    [InlineData("written")]
    [InlineData("appended")]
    [InlineData("renamed over")]
    [InlineData("removed")]
    [InlineData("link swapped")]
    public async Task KernelEvents_AreHeard(string how)
    {
        var token = TestContext.Current.CancellationToken;
        var mount = new ConfigMapMount(_directory.FullName, "published");
        await mount.PublishAsync("old", token);
        File.WriteAllText(FilePath, "old");
        var aside = Path.Combine(_directory.FullName, "aside");
        File.WriteAllText(aside, "new");

        // The clock stands still: only an event can arm the debounce.
        using var watch = Start();
        Assert.Null(watch.Error);
        Assert.False(watch.IsPending);
        switch (how)
        {
            case "written":
                File.WriteAllText(FilePath, "new");
                break;
            case "appended":
                File.AppendAllText(FilePath, "new");
                break;
            case "renamed over":
                File.Move(aside, FilePath, overwrite: true);
                break;
            case "removed":
                File.Delete(FilePath);
                break;
            default:
                await mount.PublishAsync("new", token);
                break;
        }

        await Waiting.UntilAsync(() => watch.IsPending, token);
    }

    private DirectoryWatch Start() => new(FilePath, () => _looksChanged, () => _told++, _time);
}
