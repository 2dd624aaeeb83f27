namespace Hbone.Conformance.Exchanges;

/// <summary>Compares what the two sides saw with the plan.</summary>
internal static class ExchangeAssert
{
    /// <summary>Everything the server sent arrived, then the end it chose; nothing else did.</summary>
    public static void ClientSaw(ExchangePlan plan, IEnumerable<ExchangeOutcome> outcomes) => Check(
        plan,
        plan.Exchanges,
        outcomes,
        static (exchange, seen) => exchange.Course switch
        {
            Course.Refused => seen.Status == exchange.Code && seen.Received == 0,
            Course.ClientResets => seen.IsIntact && seen.Received <= exchange.Down,
            Course.ClientResetsLast => seen is { IsIntact: true, End: "local" } && seen.Received == exchange.Down,
            Course.ServerResets or Course.ServerResetsLast =>
                seen is { IsIntact: true, End: "reset" }
                && seen.Received == exchange.Down
                && seen.Code == exchange.Code,
            _ => seen is { IsIntact: true, End: "end" } && seen.Received == exchange.Down,
        });

    /// <summary>Everything the client sent arrived, then the end it chose, unless the server cut it.</summary>
    public static void ServerSaw(ExchangePlan plan, IEnumerable<ExchangeOutcome> outcomes) => Check(
        plan,
        plan.Exchanges.Where(exchange => exchange.Course != Course.Refused),
        outcomes.Where(outcome => plan.Exchanges[outcome.Index].Course != Course.Refused),
        static (exchange, seen) => exchange.Course switch
        {
            Course.ServerResets or Course.ServerEndsAndResets => seen.IsIntact && seen.Received <= exchange.Up,
            Course.ServerResetsLast => seen is { IsIntact: true, End: "local" } && seen.Received == exchange.Up,
            Course.ClientResets or Course.ClientResetsLast =>
                seen is { IsIntact: true, End: "reset" } && seen.Received == exchange.Up && seen.Code == exchange.Code,
            _ => seen is { IsIntact: true, End: "end" } && seen.Received == exchange.Up,
        });

    /// <summary>Each expected exchange has exactly one outcome, and the right one.</summary>
    public static void Check(
        ExchangePlan plan,
        IEnumerable<Exchange> expected,
        IEnumerable<ExchangeOutcome> outcomes,
        Func<Exchange, ExchangeOutcome, bool> isRight)
    {
        var seen = outcomes.ToLookup(outcome => outcome.Index);
        var wrong = expected
            .Where(exchange => seen[exchange.Index].Count() != 1 || !isRight(exchange, seen[exchange.Index].Single()))
            .Select(exchange => $"{exchange}: {string.Join("; ", seen[exchange.Index])}")
            .ToList();
        Assert.True(
            wrong.Count == 0,
            $"seed {plan.Seed}, {wrong.Count} exchanges went wrong:\n{string.Join('\n', wrong.Take(20))}");
    }
}
