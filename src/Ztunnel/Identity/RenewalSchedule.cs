using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>When to ask the CA again for one identity. Used by one loop only.</summary>
internal sealed class RenewalSchedule
{
    /// <summary>Delay after a first failure, and the least delay at all.</summary>
    public static readonly TimeSpan InitialBackoff = TimeSpan.FromSeconds(1);

    /// <summary>Longest delay after a failure, before it is spread.</summary>
    public static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(150);

    private const double BackoffSpread = 0.2;

    /// <summary>
    /// Certificates that were issued together are renewed over this share of their life before its half.
    /// </summary>
    private const double RenewalSpread = 0.05;

    private TimeSpan _backoff = InitialBackoff;

    /// <summary>
    /// Shortly before half of what is left of the certificate's life has passed. Life counts from now when the
    /// certificate is back-dated, so that a short-lived one is not due on arrival. One that is not valid yet is due at
    /// once, as after a failure: either clock may be wrong, and the CA is not to be asked in a hot loop.
    /// </summary>
    public DateTimeOffset AfterSuccess(WorkloadCertificate certificate, DateTimeOffset now)
    {
        if (certificate.NotBefore > now)
        {
            return AfterFailure(now);
        }

        _backoff = InitialBackoff;
        var delay = (certificate.NotAfter - now) * (0.5 - (RenewalSpread * Random.Shared.NextDouble()));
        return now + (delay > InitialBackoff ? delay : InitialBackoff);
    }

    /// <summary>1 s, doubled each time up to 150 s, plus or minus 20 %.</summary>
    public DateTimeOffset AfterFailure(DateTimeOffset now)
    {
        var delay = _backoff * (1 + (BackoffSpread * ((2 * Random.Shared.NextDouble()) - 1)));
        _backoff = _backoff * 2 < MaxBackoff ? _backoff * 2 : MaxBackoff;
        return now + delay;
    }
}
