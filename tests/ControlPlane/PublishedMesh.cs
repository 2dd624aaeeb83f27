namespace ControlPlane;

/// <summary>The mesh of the moment, and a signal for its successor. Any number of readers, one writer.</summary>
internal sealed class PublishedMesh(MeshResources first)
{
    private volatile Version _current = new(1, first);

    /// <summary>What is to be served now.</summary>
    public Version Current => _current;

    /// <summary>Everybody who waits for a change is told.</summary>
    public void Publish(MeshResources resources)
    {
        var old = _current;
        _current = new Version(old.Number + 1, resources);
        old.MarkReplaced();
    }

    /// <summary>One version of the mesh.</summary>
    /// <param name="number">Counts from 1.</param>
    /// <param name="resources">What is in it.</param>
    internal sealed class Version(int number, MeshResources resources)
    {
        private readonly TaskCompletionSource _replaced = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Number { get; } = number;

        public MeshResources Resources { get; } = resources;

        /// <summary>Completes when there is a newer one.</summary>
        public Task Replaced => _replaced.Task;

        internal void MarkReplaced() => _replaced.SetResult();
    }
}
