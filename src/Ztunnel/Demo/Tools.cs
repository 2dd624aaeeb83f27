namespace Ztunnel.Demo;

/// <summary>The programs that the demo runs, and where Debian keeps them.</summary>
internal static class Tools
{
    /// <summary>One of these captures packets.</summary>
    public static readonly IReadOnlyList<string> PacketCapture = ["tcpdump", "dumpcap"];

    private static readonly (string[] Programs, string Package)[] Needed =
    [
        (["curl"], "curl"),
        (["ip"], "iproute2"),
        (["iperf3"], "iperf3"),
        (["mount"], "mount"),
        (["nc"], "netcat-openbsd"),
        (["nft"], "nftables"),
        (["nginx"], "nginx-light"),
        ([.. PacketCapture], "tcpdump"),
        (["perl"], "perl-base"),
        (["redis-cli"], "redis-tools"),
        (["redis-server"], "redis-server"),
        (["setpriv"], "util-linux"),
        (["sha256sum"], "coreutils"),
        (["sysctl"], "procps"),
    ];

    /// <summary>
    /// Our <c>PATH</c> and the folders of administrators' programs, which an ordinary <c>PATH</c> leaves out.
    /// </summary>
    public static string SearchPath { get; } =
        $"{System.Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";

    /// <summary>Where a program is; <see langword="null"/> if it is not installed.</summary>
    public static string? Find(string program) => SearchPath
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);

    /// <summary>One line that names every missing program and how to install it, or <see langword="null"/>.</summary>
    public static string? DescribeMissing()
    {
        var missing = Needed.Where(tool => !tool.Programs.Any(program => Find(program) is not null)).ToArray();
        return missing.Length == 0
            ? null
            : $"missing: {string.Join(", ", missing.Select(tool => string.Join(" or ", tool.Programs)))}. "
                + $"On Debian: apt-get install {string.Join(' ', missing.Select(tool => tool.Package))}";
    }
}
