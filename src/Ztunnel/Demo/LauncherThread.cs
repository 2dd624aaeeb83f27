using System.Collections.Concurrent;

namespace Ztunnel.Demo;

/// <summary>The one thread that starts child processes, and lives as long as this process.</summary>
/// <remarks>
/// <c>PR_SET_PDEATHSIG</c> watches the parent <em>thread</em>, not the parent process: a child started on a pool thread
/// would be
/// killed when the pool retires that thread.
/// </remarks>
internal static class LauncherThread
{
    private static readonly BlockingCollection<Action> Requests = [];

    static LauncherThread() =>
        new Thread(Run) { IsBackground = true, Name = "process launcher" }.Start();

    /// <summary>Runs <paramref name="start"/> on the launcher thread; its exception is the task's.</summary>
    public static Task<T> RunAsync<T>(Func<T> start)
    {
        var request = new Task<T>(start);
        Requests.Add(() => request.RunSynchronously(TaskScheduler.Default));
        return request;
    }

    private static void Run()
    {
        foreach (var request in Requests.GetConsumingEnumerable())
        {
            request();
        }
    }
}
