using System.Collections;
using System.Reflection;
using Xunit.v3;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>A test, or one row of a theory, that names a requirement.</summary>
/// <param name="Id">What it names.</param>
/// <param name="Role">Whose conduct it tests.</param>
/// <param name="Test">Class and method, with the row's own words if it is a row.</param>
internal sealed record Coverage(string Id, Role Role, string Test);

/// <summary>Reads which tests of this assembly prove which requirements.</summary>
internal static class RequirementCoverage
{
    /// <summary>All of them, in no order.</summary>
    public static IEnumerable<Coverage> Read() =>
        from type in typeof(RequirementCoverage).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        where method.GetCustomAttributes().OfType<IFactAttribute>().Any(fact => fact.Skip is null)
        from coverage in OfAttributes(type, method).Concat(OfRows(type, method))
        select coverage;

    private static IEnumerable<Coverage> OfAttributes(Type type, MethodInfo method) =>
        from attribute in method.GetCustomAttributes<RequirementAttribute>()
        from id in attribute.Ids
        let role = attribute.Role == Role.None ? RoleOf(type) : attribute.Role
        select new Coverage(id, role, $"{type.Name}.{method.Name}");

    private static IEnumerable<Coverage> OfRows(Type type, MethodInfo method) =>
        from attribute in method.GetCustomAttributes<MemberDataAttribute>()
        let source = type.GetProperty(attribute.MemberName, BindingFlags.Public | BindingFlags.Static)
        where source is not null && typeof(IEnumerable).IsAssignableFrom(source.PropertyType)
        from row in ((IEnumerable)source.GetValue(null)!).OfType<ITheoryDataRow>()
        let rule = row.GetData().FirstOrDefault() as string
        where rule is not null && IsId(rule)
        let words = rule.Split(' ', 2)
        from id in words[0].Split(',')
        select new Coverage(id, RoleOf(type), $"{type.Name}.{method.Name}: {words[^1]}");

    private static bool IsId(string rule) =>
        rule.StartsWith("9113-", StringComparison.Ordinal) || rule.StartsWith("7541-", StringComparison.Ordinal);

    // What tests neither our client nor our server tests code that both use.
    private static Role RoleOf(Type type) =>
        typeof(HboneServerFixture).IsAssignableFrom(type) ? Role.Server
        : typeof(HboneClientFixture).IsAssignableFrom(type) ? Role.Client
        : Role.Both;
}
