using Fixtures;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// An OpenSSL that knows X25519MLKEM768: the machine's own, or else the one that <c>scripts/prepare.sh</c> puts into
/// <c>artifacts/tools/openssl</c>.
/// </summary>
internal static class NewOpenSsl
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Whether a process that is started as usual has it.</summary>
    public static async Task<bool> IsOwnAsync(CancellationToken cancellationToken)
    {
        var result = await ChildProcess.RunAsync(
            new ProcessSpec("openssl", "list", "-kem-algorithms"), Limit, cancellationToken);
        return result.Output.Contains("X25519MLKEM768", StringComparison.Ordinal);
    }

    /// <summary>The program <c>openssl</c> of it.</summary>
    public static async Task<ProcessSpec> ProgramAsync(CancellationToken cancellationToken, params string[] arguments) =>
        new([.. await PrefixAsync(cancellationToken), "openssl", .. arguments]);

    /// <summary>A script that starts a program with it and passes arguments on.</summary>
    /// <param name="program">Path of the program.</param>
    /// <param name="folder">Where the script goes.</param>
    /// <param name="cancellationToken">Ends the look for it.</param>
    public static async Task<string> WrapAsync(string program, string folder, CancellationToken cancellationToken)
    {
        string[] words = [.. await PrefixAsync(cancellationToken), program];
        var script = Path.Combine(folder, "with-openssl");
        await File.WriteAllTextAsync(
            script, $"#!/bin/sh\nexec {string.Join(' ', words.Select(word => $"'{word}'"))} \"$@\"\n", cancellationToken);
#pragma warning disable CA1416 // namespaces exist on Linux only
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        return script;
    }

    private static async Task<string[]> PrefixAsync(CancellationToken cancellationToken)
    {
        if (await IsOwnAsync(cancellationToken))
        {
            return [];
        }

        var folder = Path.Combine(Fixture.RepositoryRoot, "artifacts", "tools", "openssl");
        return Directory.Exists(folder)
            ? [Path.Combine(Fixture.RepositoryRoot, "scripts", "openssl-run.sh"), folder]
            : throw new FileNotFoundException(
                "no OpenSSL 3.5: 'source scripts/prepare.sh; install_openssl' in the repository's root fetches it");
    }
}
