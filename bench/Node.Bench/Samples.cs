namespace Node.Bench;

/// <summary>Every measured value of the run: one for each figure, peer and round.</summary>
internal sealed class Samples
{
    private readonly Dictionary<(string Figure, string Peer), List<double>> _values = [];
    private readonly List<string> _failures = [];

    /// <summary>Measurements without a value, and connections that failed inside one, as sentences.</summary>
    public IReadOnlyList<string> Failures => _failures;

    public void Add(Figure figure, string peer, double value)
    {
        if (!_values.TryGetValue((figure.Name, peer), out var values))
        {
            _values[(figure.Name, peer)] = values = [];
        }

        values.Add(value);
    }

    public void AddFailure(string sentence) => _failures.Add(sentence);

    /// <summary><see langword="null"/> if nothing was measured.</summary>
    public Summary? Of(Figure figure, string peer) =>
        _values.TryGetValue((figure.Name, peer), out var values) ? Summary.Of(values) : null;
}
