using System.Text.Json;

namespace Hbone.Conformance.Exchanges;

/// <summary>What one side saw of one exchange.</summary>
/// <param name="Index">Which exchange.</param>
/// <param name="Received">Bytes that came.</param>
/// <param name="IsIntact">Whether they were the planned ones, in order.</param>
/// <param name="End"><c>end</c>, <c>reset</c>; otherwise <c>local</c>: it was this side that cut it.</param>
/// <param name="Code">The reset's error code.</param>
/// <param name="Status">Status of the answer, if it was not 200; null for servers.</param>
internal sealed record ExchangeOutcome(int Index, long Received, bool IsIntact, string End, int? Code, int? Status)
{
    /// <summary>An outcome as our scripts report it.</summary>
    public static ExchangeOutcome From(JsonElement report) => new(
        report.GetProperty("index").GetInt32(),
        report.GetProperty("received").GetInt64(),
        report.GetProperty("intact").GetBoolean(),
        report.GetProperty("end").GetString()!,
        NumberOf(report, "code"),
        NumberOf(report, "status") is { } status and not 200 ? status : null);

    private static int? NumberOf(JsonElement report, string name) =>
        report.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : null;
}
