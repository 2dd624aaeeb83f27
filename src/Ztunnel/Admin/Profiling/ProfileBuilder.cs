using System.IO.Compression;
using Google.Protobuf;
using Ztunnel.Protos.Pprof;

namespace Ztunnel.Admin.Profiling;

/// <summary>Puts a pprof profile together: names become functions, each with one location, and stacks of these samples.</summary>
internal sealed class ProfileBuilder
{
    private readonly Profile _profile = new() { StringTable = { "" } };
    private readonly Dictionary<string, long> _strings = new(StringComparer.Ordinal) { [""] = 0 };
    private readonly Dictionary<string, ulong> _locations = new(StringComparer.Ordinal);

    /// <param name="time">When the profile was taken, or begun.</param>
    /// <param name="types">Name and unit of each value of a sample; the first is what tools show.</param>
    public ProfileBuilder(DateTimeOffset time, params ReadOnlySpan<(string Type, string Unit)> types)
    {
        _profile.TimeNanos = time.ToUnixTimeMilliseconds() * 1_000_000;
        foreach (var (type, unit) in types)
        {
            _profile.SampleType.Add(ValueTypeOf(type, unit));
        }

        _profile.DefaultSampleType = IndexOf(types[0].Type);
    }

    /// <summary>Says what a reader should know of it.</summary>
    public void Comment(string text) => _profile.Comment.Add(IndexOf(text));

    /// <summary>How long it took, and what one event of it stands for.</summary>
    public void Covers(TimeSpan duration, string periodType, string unit, long period)
    {
        _profile.DurationNanos = duration.Ticks * TimeSpan.NanosecondsPerTick;
        _profile.PeriodType = ValueTypeOf(periodType, unit);
        _profile.Period = period;
    }

    /// <summary>Adds a sample.</summary>
    /// <param name="values">One for each type.</param>
    /// <param name="labels">What else is known of it.</param>
    /// <param name="stack">From the root to the leaf.</param>
    public void Add(ReadOnlySpan<long> values, ReadOnlySpan<(string Key, long Value)> labels, params ReadOnlySpan<string> stack)
    {
        var sample = new Sample();
        for (var i = stack.Length - 1; i >= 0; i--)
        {
            sample.LocationId.Add(LocationOf(stack[i])); // the leaf comes first
        }

        foreach (var value in values)
        {
            sample.Value.Add(value);
        }

        foreach (var (key, value) in labels)
        {
            sample.Label.Add(new Label { Key = IndexOf(key), Num = value });
        }

        _profile.Sample.Add(sample);
    }

    /// <summary>The profile as tools read it: protobuf, compressed with gzip.</summary>
    public byte[] ToArray()
    {
        using var result = new MemoryStream();
        using (var compressed = new GZipStream(result, CompressionLevel.Fastest, leaveOpen: true))
        {
            _profile.WriteTo(compressed);
        }

        return result.ToArray();
    }

    private Protos.Pprof.ValueType ValueTypeOf(string type, string unit) =>
        new() { Type = IndexOf(type), Unit = IndexOf(unit) };

    private ulong LocationOf(string name)
    {
        if (!_locations.TryGetValue(name, out var id))
        {
            id = (ulong)_locations.Count + 1; // zero is none
            _locations[name] = id;
            _profile.Function.Add(new Function { Id = id, Name = IndexOf(name), SystemName = IndexOf(name) });
            _profile.Location.Add(new Location { Id = id, Line = { new Line { FunctionId = id } } });
        }

        return id;
    }

    private long IndexOf(string text)
    {
        if (!_strings.TryGetValue(text, out var index))
        {
            index = _profile.StringTable.Count;
            _strings[text] = index;
            _profile.StringTable.Add(text);
        }

        return index;
    }
}
