namespace Hbone.Tests.Http2.Requirements;

/// <summary>One thing that an RFC demands, in our words.</summary>
/// <param name="Id">RFC, section and a number of ours within it.</param>
/// <param name="Role">Whom it binds; none when it does not concern us.</param>
/// <param name="Text">What is demanded.</param>
/// <param name="Remark">Why it does not concern us, or how we differ.</param>
public sealed record Requirement(string Id, Role Role, string Text, string? Remark = null)
{
    /// <summary>The RFC's number.</summary>
    public string Rfc => Id[..Id.IndexOf('-', StringComparison.Ordinal)];

    /// <summary>The section without the RFC.</summary>
    public string Section => Id.Split('-')[1];

    /// <summary>Something that has to be tested.</summary>
    public bool IsApplicable => Role != Role.None;
}
