namespace Hbone.Tests.Http2.Requirements;

/// <summary>
/// Says which requirements of <see cref="RequirementCatalogue"/> a test proves. The rows of a theory name theirs by
/// starting with the identifiers, separated by commas: <c>9113-6.4-4,9113-5.1-1 RST_STREAM on an idle stream</c>.
/// </summary>
/// <param name="ids">Identifiers such as <c>9113-6.5.2-3</c>.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class RequirementAttribute(params string[] ids) : Attribute
{
    /// <summary>Identifiers of the requirements.</summary>
    public IReadOnlyList<string> Ids { get; } = ids;

    /// <summary>Whose conduct is tested; without it the fixture of the class says.</summary>
    public Role Role { get; init; }
}
