namespace Ztunnel.Mesh.Routing;

/// <summary>
/// The HBONE header <c>baggage</c> (W3C Baggage without encoding): how a workload describes itself to its peer. A
/// claim, good for labels only: nothing vouches for it.
/// </summary>
internal sealed record Baggage
{
    /// <summary>
    /// Characters of a value that is believed. Names of Kubernetes have no more (RFC 1123), and a longer one would stand in
    /// every scrape and log line.
    /// </summary>
    public const int MaxValueLength = 253;

    public string? ClusterId { get; init; }

    public string? Namespace { get; init; }

    public string? WorkloadName { get; init; }

    /// <summary>Canonical name.</summary>
    public string? ServiceName { get; init; }

    /// <summary>Canonical revision.</summary>
    public string? ServiceVersion { get; init; }

    public string? Region { get; init; }

    public string? Zone { get; init; }

    /// <summary>
    /// The header for a workload, its fields in the order that Istio writes; empty when nothing is known of it. A value
    /// that no header may hold (RFC 9113 section 8.2.1) is left out: with it every peer would refuse every request.
    /// </summary>
    public static string Format(Workload workload)
    {
        var type = workload.WorkloadType?.ToText();
        (string Key, string Value)[] fields =
        [
            ("k8s.cluster.name", workload.ClusterId),
            ("k8s.namespace.name", workload.Namespace),
            ($"k8s.{type}.name", type is null ? "" : workload.WorkloadName),
            ("service.name", workload.CanonicalName),
            ("service.version", workload.CanonicalRevision),
            ("cloud.region", workload.Locality.Region),
            ("cloud.availability_zone", workload.Locality.Zone),
        ];
        var known = fields.Where(field => field.Value.Length > 0 && HeaderText.IsPlain(field.Value));
        return string.Join(',', known.Select(field => $"{field.Key}={field.Value}")).TrimEnd(' ');
    }

    /// <summary>
    /// Reads all <c>baggage</c> headers of a request; the last of several values wins. Null when a header holds
    /// anything but visible ASCII, so that nothing of it reaches a label. A value longer than <see cref="MaxValueLength"/> is
    /// unknown.
    /// </summary>
    public static Baggage? Parse(IEnumerable<string> headers)
    {
        var baggage = new Baggage();
        foreach (var header in headers)
        {
            if (!IsVisible(header))
            {
                return null;
            }

            foreach (var range in header.AsSpan().Split(','))
            {
                var item = header.AsSpan(range);
                var equals = item.IndexOf('=');
                if (equals >= 0)
                {
                    // Only what stands between the first and a second "=" is the value.
                    var value = item[(equals + 1)..];
                    var end = value.IndexOf('=');
                    value = end < 0 ? value : value[..end];
                    baggage = baggage.With(item[..equals], value.Length is 0 or > MaxValueLength ? null : value.ToString());
                }
            }
        }

        return baggage;
    }

    private static bool IsVisible(string header)
    {
        foreach (var character in header)
        {
            if (character is (< ' ' or > '~') and not '\t')
            {
                return false;
            }
        }

        return true;
    }

    private Baggage With(ReadOnlySpan<char> key, string? value) => key switch
    {
        "k8s.cluster.name" => this with { ClusterId = value },
        "k8s.namespace.name" => this with { Namespace = value },
        "k8s.deployment.name" or "k8s.cronjob.name" or "k8s.pod.name" or "k8s.job.name" =>
            this with { WorkloadName = value },
        "service.name" => this with { ServiceName = value },
        "service.version" => this with { ServiceVersion = value },
        "cloud.region" => this with { Region = value },
        "cloud.availability_zone" => this with { Zone = value },
        _ => this,
    };
}
