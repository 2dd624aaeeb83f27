using System.Security.Cryptography.X509Certificates;
using Ztunnel.Telemetry;

namespace Ztunnel.Identity;

/// <summary>When the certificates of this node's identities end, and how many identities have none.</summary>
internal static class CertificateMetrics
{
    /// <summary>Identities that are shown: those whose certificates end first.</summary>
    public const int MaxIdentities = 500;

    private static readonly string[] States = ["available", "initializing", "unavailable"];

    /// <summary>Adds the families to a registry.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="certificates">What they are of, at this moment.</param>
    /// <param name="time">Clock of what is left.</param>
    public static void Add(
        MetricsRegistry registry, Func<IReadOnlyList<CertificateEntry>> certificates, TimeProvider time) => registry.Add(
        new MetricFamily("ztunnel_certificates",
            "Identities by what there is of their certificate (unstable).", "gauge",
            () => ByState(certificates())),
        new MetricFamily("ztunnel_certificate_expiration_timestamp_seconds",
            "Unix time at which the certificate of an identity, or what it is presented with, ends (unstable).", "gauge",
            () => Soonest(certificates()).Select(entry => Of(entry, Unix(EndOf(entry)))))
        {
            Unit = "seconds",
        },
        new MetricFamily("ztunnel_certificate_remaining_seconds",
            "Time until then, below zero when it is over; a day has 86400 (unstable).", "gauge",
            () => Remaining(certificates(), time.GetUtcNow()))
        {
            Unit = "seconds",
        },
        new MetricFamily("ztunnel_root_certificate_expiration_timestamp_seconds",
            "Unix time at which the first of the trusted root certificates ends (unstable).", "gauge",
            () => FirstRoot(certificates()) is { } end ? [new MetricSample(Unix(end))] : [])
        {
            Unit = "seconds",
        });

    private static IEnumerable<MetricSample> ByState(IReadOnlyList<CertificateEntry> entries) =>
        States.Select((state, i) => new MetricSample(
            entries.Count(entry => i == StateOf(entry)), text => text.Label("state"u8, state)));

    private static int StateOf(CertificateEntry entry) => entry switch
    {
        { Certificate: not null } => 0,
        { Error: null } => 1,
        _ => 2,
    };

    private static IEnumerable<CertificateEntry> Soonest(IReadOnlyList<CertificateEntry> entries)
    {
        var available = entries.Where(entry => entry.Certificate is not null);
        return entries.Count <= MaxIdentities ? available : available.OrderBy(EndOf).Take(MaxIdentities);
    }

    private static IEnumerable<MetricSample> Remaining(IReadOnlyList<CertificateEntry> entries, DateTimeOffset now) =>
        Soonest(entries).Select(entry => Of(entry, (long)Math.Floor((EndOf(entry) - now).TotalSeconds)));

    private static DateTimeOffset EndOf(CertificateEntry entry)
    {
        var certificate = entry.Certificate!;
        return Earliest(certificate.Intermediates) is { } end && end < certificate.NotAfter ? end : certificate.NotAfter;
    }

    // Identities share their roots, so most are looked at once.
    private static DateTimeOffset? FirstRoot(IReadOnlyList<CertificateEntry> entries)
    {
        DateTimeOffset? first = null;
        foreach (var roots in entries.Select(entry => entry.Certificate?.Roots).Distinct())
        {
            if (roots is not null && Earliest(roots) is { } end && (first is null || end < first))
            {
                first = end;
            }
        }

        return first;
    }

    private static DateTimeOffset? Earliest(X509Certificate2Collection certificates) => certificates.Count == 0
        ? null
        : certificates.Min(certificate => new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));

    private static long Unix(DateTimeOffset at) => at.ToUnixTimeSeconds();

    private static MetricSample Of(CertificateEntry entry, long value) =>
        new(value, text => text.Label("identity"u8, entry.Identity.ToString()));
}
