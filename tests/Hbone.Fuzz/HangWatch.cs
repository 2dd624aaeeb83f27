using System.Globalization;

namespace Hbone.Fuzz;

/// <summary>Reports inputs: those that fail, and by a timer one that is still being read after ten seconds.</summary>
internal sealed class HangWatch : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly Timer _timer;

    // Written by the run, read by the timer.
    private volatile Current? _current;
    private Current? _seen;

    public HangWatch() => _timer = new Timer(_ => Look(), null, Limit, Limit);

    /// <summary>An input is about to be read.</summary>
    public void Begin(string target, byte[] input) => _current = new Current(target, input);

    /// <summary>It has been.</summary>
    public void End() => _current = null;

    /// <summary>Writes an input to a file and says how to read it again.</summary>
    public void Report(string target, byte[] input, string failure)
    {
        End();
        var hash = SequenceRandom.Of(input).NextBits().ToString("x16", CultureInfo.InvariantCulture);
        var file = Path.GetFullPath($"fuzz-{target}-{hash}.bin");
        File.WriteAllBytes(file, input);
        Console.WriteLine(
            $"FAILED, {target}: {failure}\nto reproduce: {Environment.ProcessPath} --target {target} --replay {file}");
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var current = _current;
        if (current is not null && current == _seen)
        {
            Report(current.Target, current.Input, $"still being read after {Limit.TotalSeconds:0} s");
            Environment.Exit(1);
        }

        _seen = current;
    }

    private sealed class Current(string target, byte[] input)
    {
        public string Target => target;

        public byte[] Input => input;
    }
}
