using Microsoft.Extensions.Logging;
using Ztunnel.Policy;
using static Ztunnel.Tests.Policy.Policies;

namespace Ztunnel.Tests.Policy;

/// <summary>Statements A6 of the data path and R5 of the control plane.</summary>
public class PolicyEngineTests
{
    private static readonly Authorization DenyAll = Deny("deny-all", Rule());
    private static readonly Authorization AllowAll = Allow("allow-all", Rule());
    private static readonly Authorization AllowNone = Allow("allow-none");

    [Fact]
    public void A6_R5_NoPolicies_Allowed()
    {
        var verdict = PolicyEngine.Evaluate([], FromClient);

        Assert.Equal(PolicyVerdict.AllowedByDefault, verdict);
        Assert.True(verdict.Allowed);
    }

    [Fact]
    public void A6_R5_DenyBeforeAllow_RefusedAndNamed()
    {
        var verdict = PolicyEngine.Evaluate([AllowAll, DenyAll], FromClient);

        Assert.False(verdict.Allowed);
        Assert.Equal("explicitly denied by: ns/deny-all", verdict.Reason);
    }

    [Fact]
    public void A6_R5_DenyThatDoesNotMatch_NoAllow_Allowed() =>
        Assert.Equal(PolicyVerdict.AllowedByDefault, PolicyEngine.Evaluate([Deny("d", When(Never))], FromClient));

    [Fact]
    public void A6_R5_AllowMatches_AllowedAndNamed() =>
        Assert.Equal(PolicyVerdict.AllowedBy("ns/allow-all"), PolicyEngine.Evaluate([AllowNone, AllowAll], FromClient));

    [Fact]
    public void A6_R5_AllowsThatDoNotMatch_Refused()
    {
        var verdict = PolicyEngine.Evaluate([AllowNone, Deny("d", When(Never))], FromClient);

        Assert.False(verdict.Allowed);
        Assert.Equal("allow policies exist, but none allowed", verdict.Reason);
    }

    [Fact]
    public void A6_R5_StrictMtls_RefusesPlaintextOnly()
    {
        var strict = Deny("strict", When(new PolicyMatch { NotPrincipals = [Presence()] }));

        Assert.Equal(PolicyVerdict.DeniedBy("ns/strict"), PolicyEngine.Evaluate([strict], Plaintext));
        Assert.Equal(PolicyVerdict.AllowedByDefault, PolicyEngine.Evaluate([strict], FromClient));
    }

    [Fact]
    public void A6_R5_SeveralMatch_FirstByKeyIsNamed()
    {
        Assert.Equal(
            PolicyVerdict.DeniedBy("ns/b"),
            PolicyEngine.Evaluate([Deny("c", Rule()), Deny("a"), Deny("b", Rule())], FromClient));
        Assert.Equal(
            PolicyVerdict.AllowedBy("ns/b"),
            PolicyEngine.Evaluate([Allow("c", Rule()), Allow("a"), Allow("b", Rule())], FromClient));
    }

    [Fact]
    public void A6_R5_DryRunDeny_LoggedNotEnforced()
    {
        var logger = new RecordingLogger(LogLevel.Debug);

        var verdict = PolicyEngine.Evaluate([DenyAll with { DryRun = true }], FromClient, logger);

        Assert.Equal(PolicyVerdict.AllowedByDefault, verdict);
        Assert.Equal(
            [
                (LogLevel.Debug, "dry-run: deny policy match", "ns/deny-all"),
                (LogLevel.Debug, "no allow policies, allow", null),
            ],
            logger.Lines);
    }

    [Fact]
    public void A6_R5_DryRunAllow_LoggedNotEnforced()
    {
        var logger = new RecordingLogger(LogLevel.Debug);

        var verdict = PolicyEngine.Evaluate([AllowNone, AllowAll with { DryRun = true }], FromClient, logger);

        Assert.Equal(PolicyVerdict.NoneAllowed, verdict);
        Assert.Equal(
            [
                (LogLevel.Debug, "dry-run: allow policy match", "ns/allow-all"),
                (LogLevel.Debug, "no allow policies matched", null),
            ],
            logger.Lines);
    }

    [Fact]
    public void A6_R5_OnlyDryRunAllowsAndNoneMatches_SaidInTheLog()
    {
        var logger = new RecordingLogger(LogLevel.Debug);

        var verdict = PolicyEngine.Evaluate([AllowNone with { DryRun = true }], FromClient, logger);

        Assert.Equal(PolicyVerdict.AllowedByDefault, verdict);
        Assert.Equal(
            [
                (LogLevel.Debug, "dry-run: no allow policies match", null),
                (LogLevel.Debug, "no allow policies, allow", null),
            ],
            logger.Lines);
    }

    [Fact]
    public void A6_R5_DryRunAllowsBesideEnforcedOnes_NotBlamed()
    {
        var logger = new RecordingLogger(LogLevel.Debug);

        PolicyEngine.Evaluate([AllowNone with { DryRun = true }, AllowAll], FromClient, logger);

        Assert.Equal([(LogLevel.Debug, "allow policy match", "ns/allow-all")], logger.Lines);
    }

    [Fact]
    public void A6_R5_InfoLogging_SameLinesAtInformation()
    {
        var logger = new RecordingLogger(LogLevel.Information);
        var dryRun = DenyAll with { DryRun = true };

        PolicyEngine.Evaluate([dryRun, DenyAll], FromClient, logger, LogLevel.Debug);
        PolicyEngine.Evaluate([dryRun, DenyAll], FromClient, logger, LogLevel.Information);

        Assert.Equal(
            [
                (LogLevel.Information, "dry-run: deny policy match", "ns/deny-all"),
                (LogLevel.Information, "deny policy match", "ns/deny-all"),
            ],
            logger.Lines);
    }

    [Fact]
    public void UnknownPolicy_Skipped_IsAWarning()
    {
        var logger = new RecordingLogger(LogLevel.Trace);

        logger.SkippingUnknownPolicy("ns/gone");

        Assert.Equal([(LogLevel.Warning, "skipping unknown policy ns/gone", null)], logger.Lines);
    }
}
