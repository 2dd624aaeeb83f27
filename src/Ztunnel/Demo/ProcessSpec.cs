namespace Ztunnel.Demo;

/// <summary>A program to start: its arguments, what its environment has besides ours, and what it reads.</summary>
internal sealed record ProcessSpec(params IReadOnlyList<string> Arguments)
{
    /// <summary>
    /// Network namespace to run in, by its name under <c>/run/netns</c>; <see langword="null"/> is our own.
    /// </summary>
    public string? Namespace { get; init; }

    /// <summary>
    /// What the program finds as <c>/etc/resolv.conf</c>; <see langword="null"/> is the machine's own. Only in a <see cref="Namespace"/>.
    /// </summary>
    public string? ResolverFile { get; init; }

    /// <summary>Variables that are set, or removed when the value is <see langword="null"/>.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>
    /// Whether our environment is passed on, which is the default. If not, only what a program needs to find its files
    /// is.
    /// </summary>
    public bool InheritEnvironment { get; init; } = true;

    /// <summary>What standard input brings before it ends. Ignored when <see cref="KeepInputOpen"/> is set.</summary>
    public string Input { get; init; } = "";

    /// <summary>Standard input stays open for <see cref="ChildProcess.Input"/>.</summary>
    public bool KeepInputOpen { get; init; }

    /// <summary>Whether a variable reaches even a program that does not inherit our environment.</summary>
    internal static bool IsAlwaysInherited(string name) =>
        name is "HOME" or "TMPDIR" || name.StartsWith("DOTNET_", StringComparison.Ordinal);

    /// <summary>For messages.</summary>
    public override string ToString() => string.Join(' ', Arguments);
}
