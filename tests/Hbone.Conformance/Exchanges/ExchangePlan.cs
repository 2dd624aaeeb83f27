using System.Text.Json;
using System.Text.Json.Serialization;
using Hbone.Http2;

namespace Hbone.Conformance.Exchanges;

/// <summary>
/// Exchanges at random, the same for the same seed, and the bytes they carry: both sides know them, so each compares
/// what it gets. The files that tell a peer of it go away with it.
/// </summary>
internal sealed class ExchangePlan : IDisposable
{
    // A prime above the longest frame, so that no loss or repetition that is likely goes unseen.
    private const int PatternPeriod = 1_048_583;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("hbone-exchanges-").FullName;
    private readonly byte[] _pattern = new byte[2 * PatternPeriod];

    /// <param name="seed">Where randomness begins.</param>
    /// <param name="count">How many exchanges.</param>
    /// <param name="maxBytes">One exchange in 32 is up to this long each way, the others a hundredth of it.</param>
    /// <param name="courses">What may happen; everything if none is given.</param>
    public ExchangePlan(int seed, int count, int maxBytes, params Course[] courses)
    {
        var random = new Random(seed);
        random.NextBytes(_pattern.AsSpan(0, PatternPeriod));
        _pattern.AsSpan(0, PatternPeriod).CopyTo(_pattern.AsSpan(PatternPeriod));
        courses = courses.Length > 0 ? courses : Enum.GetValues<Course>();
        Seed = seed;
        Exchanges = [.. Enumerable.Range(0, count).Select(index => Draw(random, index, maxBytes, courses))];
        File.WriteAllBytes(PatternFile, _pattern);
        File.WriteAllText(PlanFile, JsonSerializer.Serialize(new { Seed, Exchanges }, Json));
    }

    public int Seed { get; }

    public IReadOnlyList<Exchange> Exchanges { get; }

    public string PlanFile => Path.Combine(_folder, "plan.json");

    /// <summary>The period of the bytes, twice.</summary>
    public string PatternFile => Path.Combine(_folder, "pattern.bin");

    /// <summary>Bytes of one direction of an exchange, from a position on; at most one period of them.</summary>
    public ReadOnlyMemory<byte> BytesOf(Exchange exchange, bool isDown, long position, int length)
    {
        var offset = (int)(((exchange.Index * 31L) + (isDown ? 17 : 0) + position) % PatternPeriod);
        return _pattern.AsMemory(offset, Math.Min(length, PatternPeriod));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Exchange Draw(Random random, int index, int maxBytes, Course[] courses)
    {
        var course = courses[random.Next(courses.Length)];
        var limit = random.Next(32) == 0 ? maxBytes : maxBytes / 100;
        var (up, down) = (Size(random, limit), Size(random, limit));
        return new Exchange(
            index,
            course == Course.ServerResetsLast ? Math.Max(1, up) : up, // what is held back is what tells that all has arrived
            course == Course.ClientResetsLast ? Math.Max(1, down) : down,
            course,
            course == Course.Refused
                ? random.Next(400, 600)
                : random.Next((int)Http2ErrorCode.ProtocolError, (int)Http2ErrorCode.Http11Required + 1));
    }

    private static int Size(Random random, int limit) => random.Next(8) == 0 ? 0 : random.Next(limit + 1);
}
