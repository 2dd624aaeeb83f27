namespace Node.Bench;

/// <summary>The rounds of one figure.</summary>
internal readonly record struct Summary(double Median, double Smallest, double Largest, int Rounds)
{
    public static Summary Of(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Summary(median, sorted[0], sorted[^1], sorted.Length);
    }
}
