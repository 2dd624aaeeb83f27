namespace Ztunnel.Inspect;

/// <summary>Prints a list of records, one after the other.</summary>
internal static class RecordPrinter
{
    private const string NoList = "null\n";

    /// <summary>As JSON with a line feed at the end.</summary>
    public static async Task WriteJsonAsync(
        IReadOnlyList<IDumpRecord>? records, ChunkedText output, CancellationToken cancellationToken)
    {
        if (records is null)
        {
            output.Text.Append(NoList);
            return;
        }

        var json = new GoJsonWriter(output.Text);
        json.StartList();
        foreach (var record in records)
        {
            record.WriteTo(json);
            await output.OfferAsync(cancellationToken);
        }

        json.EndList();
        output.Text.Append('\n');
    }

    /// <summary>As YAML.</summary>
    public static async Task WriteYamlAsync(
        IReadOnlyList<IDumpRecord>? records, ChunkedText output, CancellationToken cancellationToken)
    {
        if (records is null)
        {
            output.Text.Append(NoList);
            return;
        }

        var yaml = new YamlList(output.Text);
        foreach (var record in records)
        {
            yaml.Add(record);
            await output.OfferAsync(cancellationToken);
        }

        yaml.End();
    }
}
