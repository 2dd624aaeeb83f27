using System.Collections.Concurrent;

namespace Hbone.Soak;

/// <summary>Tasks that go on by themselves, kept until they are over.</summary>
internal sealed class Running
{
    private readonly ConcurrentDictionary<Task, byte> _tasks = new();

    public void Add(Task task)
    {
        if (!task.IsCompletedSuccessfully)
        {
            _tasks.TryAdd(task, 0);
            task.ContinueWith(
                (done, tasks) => ((ConcurrentDictionary<Task, byte>)tasks!).TryRemove(done, out _),
                _tasks,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    /// <summary>Waits for all; an exception out of one of them is a bug and comes out here.</summary>
    public Task WhenAllAsync() => Task.WhenAll(_tasks.Keys);
}
