namespace Hbone.Tls.OpenSsl;

/// <summary>A peer's certificates as they were verified, leaf first, trust anchor last (a STACK_OF(X509)).</summary>
/// <param name="stack">Lent by the session or the verification that it belongs to; 0 when there is none.</param>
internal readonly struct VerifiedChain(nint stack)
{
    /// <summary>Whether there is one.</summary>
    public bool IsPresent => stack != 0;

    /// <summary>
    /// Whether one of the lists revokes a certificate of the chain. The anchor is trusted by configuration and not asked
    /// about; a certificate that no list is about passes. Validity times play no part.
    /// </summary>
    public bool IsRevokedBy(RevocationSet revocations)
    {
        if (!IsPresent || revocations.Count == 0)
        {
            return false;
        }

        var certificate = Native.OPENSSL_sk_value(stack, 0);
        for (var i = 1; i < Native.OPENSSL_sk_num(stack); i++)
        {
            var issuer = Native.OPENSSL_sk_value(stack, i);
            foreach (var list in revocations.Lists)
            {
                if (list.Revokes(certificate, issuer))
                {
                    return true;
                }
            }

            certificate = issuer;
        }

        return false;
    }
}
