using System.Diagnostics;
using System.Globalization;
using Hbone.Fuzz.Targets;

namespace Hbone.Fuzz;

/// <summary>One run: input after input over the targets in turn, with what must hold after each.</summary>
internal sealed class FuzzRun : IDisposable
{
    // Compilation and caches have settled after so many; memory is compared from here on.
    private const int WarmUp = 20_000;
    private const int BetweenMemoryChecks = 200_000;
    private const long MaxGrowthBytes = 8 * 1024 * 1024;

    private readonly FuzzOptions _options;
    private readonly IFuzzTarget[] _targets;
    private readonly RentedArrays _rented = new();
    private readonly HangWatch _watch = new();
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private long _liveAfterWarmUp;
    private long _residentAfterWarmUp;

    private FuzzRun(FuzzOptions options)
    {
        _options = options;
        IFuzzTarget[] all =
        [
            new HpackTarget(), new FrameReaderTarget(), new ConnectionTarget(isServer: true),
            new ConnectionTarget(isServer: false),
        ];
        _targets = [.. all.Where(target => options.Target is null || target.Name == options.Target)];
        if (_targets.Length == 0)
        {
            throw new FuzzOptionException($"there is no target '{options.Target}'");
        }
    }

    /// <summary>Runs until the number or the time is used up, or something fails.</summary>
    /// <returns>Exit code.</returns>
    public static int Run(FuzzOptions options)
    {
        using var run = new FuzzRun(options);
        return options.Replay is { } file ? run.Replay(file) : run.Run();
    }

    public void Dispose()
    {
        _watch.Dispose();
        _rented.Dispose();
    }

    private int Replay(string file)
    {
        var failure = Failure(_targets[0], File.ReadAllBytes(file));
        Console.WriteLine(failure ?? "1 input, 0 failures");
        return failure is null ? 0 : 1;
    }

    private int Run()
    {
        long done = 0;
        for (; done < _options.Iterations && !(_options.Limit < _time.Elapsed); done++)
        {
            var target = _targets[done % _targets.Length];
            var random = new SequenceRandom(((ulong)(uint)_options.Seed << 40) + (ulong)done);
            var input = target.Mutator.Next(ref random);
            var failure = Failure(target, input)
                ?? (done % BetweenMemoryChecks == 0 || done == WarmUp ? Growth(done) : null);
            if (failure is not null)
            {
                _watch.Report(target.Name, input, failure);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done + 1} inputs, 1 failure"));
                return 1;
            }
        }

        var growth = Growth(done);
        var seconds = _time.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"seed {_options.Seed}: {seconds:0.0} s, {done / seconds:0} inputs/s, {_rented.Count} arrays rented, "
            + $"live memory {Live() - _liveAfterWarmUp:+#;-#;0} B and "
            + $"peak resident memory {PeakResident() - _residentAfterWarmUp:+#;-#;0} B since the warm-up"));
        Console.WriteLine(growth ?? string.Create(CultureInfo.InvariantCulture, $"{done} inputs, 0 failures"));
        return growth is null ? 0 : 1;
    }

    // Whatever escapes is what is looked for: nothing here may throw but what the targets expect.
#pragma warning disable CA1031
    private string? Failure(IFuzzTarget target, byte[] input)
    {
        var before = _rented.Count;
        try
        {
            _watch.Begin(target.Name, input);
            target.Run(input);
            _watch.End();
            var kept = _rented.Count - before;
            return kept == 0 ? null : $"{kept} rented arrays were not returned";
        }
        catch (Exception e)
        {
            return e is FuzzFailure ? e.Message : e.ToString();
        }
    }
#pragma warning restore CA1031

    private string? Growth(long done)
    {
        if (done <= WarmUp)
        {
            _liveAfterWarmUp = Live();
            _residentAfterWarmUp = PeakResident();
            return null;
        }

        var growth = Live() - _liveAfterWarmUp;
        return growth <= MaxGrowthBytes ? null : $"{growth} B more are alive than after the warm-up";
    }

    private static long Live() => GC.GetTotalMemory(forceFullCollection: true);

    private static long PeakResident()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
