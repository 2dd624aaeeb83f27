namespace Hbone.Tests.Http2.Requirements;

/// <summary>
/// Every MUST and MUST NOT of RFC 9113 sections 3 to 8.5 and 10.5 that concerns an endpoint, and of RFC 7541. A demand
/// that a section repeats stands once.
/// </summary>
internal static class RequirementCatalogue
{
    /// <summary>All but those of <see cref="Limits"/>, in the order of the RFCs.</summary>
    public static IReadOnlyList<Requirement> Rules { get; } =
    [
        .. StartingRequirements.All,
        .. StreamRequirements.All,
        .. FrameRequirements.All,
        .. SettingsRequirements.All,
        .. ConnectionFrameRequirements.All,
        .. MessageRequirements.All,
        .. HpackRequirements.All,
    ];

    /// <summary>
    /// What RFC 9113 section 10.5 warns of. It leaves the limits to us, so a row without a test yet is no failure.
    /// </summary>
    public static IReadOnlyList<Requirement> Limits => LimitRequirements.All;
}
