using Ztunnel.Inspect.Views;

namespace Ztunnel.Cli;

/// <summary>What <c>ztunnel workloads</c> and its siblings were asked to show.</summary>
/// <param name="View">Which part of the dump.</param>
/// <param name="Format">How it is printed.</param>
/// <param name="Admin">Admin server of the proxy.</param>
/// <param name="File">Dump in a file instead, <c>-</c> for standard input.</param>
internal sealed record InspectOptions(DumpView View, InspectFormat Format, Uri Admin, string? File)
{
    /// <summary>Port 15000 of a proxy on this machine.</summary>
    public static readonly Uri DefaultAdmin = new("http://127.0.0.1:15000");

    private const string Usage = "see 'ztunnel help'";

    private static readonly Dictionary<string, InspectSubject> Subjects = new()
    {
        ["workloads"] = InspectSubject.Workloads,
        ["services"] = InspectSubject.Services,
        ["policies"] = InspectSubject.Policies,
        ["certificates"] = InspectSubject.Certificates,
        ["connections"] = InspectSubject.Connections,
        ["workload"] = InspectSubject.Workloads, // istioctl's spelling
        ["service"] = InspectSubject.Services,
        ["policy"] = InspectSubject.Policies,
        ["certificate"] = InspectSubject.Certificates,
        ["connection"] = InspectSubject.Connections,
    };

    private enum InspectSubject
    {
        Workloads,
        Services,
        Policies,
        Certificates,
        Connections,
    }

    /// <summary>Whether a command is one of these.</summary>
    public static bool IsSubject(string command) => Subjects.ContainsKey(command);

    /// <summary>Reads the arguments, of which the first is a command that <see cref="IsSubject"/>.</summary>
    /// <param name="arguments">In any order; the last of two that contradict each other wins.</param>
    /// <param name="time">Tells which certificates are valid.</param>
    /// <exception cref="UsageException">They cannot be understood.</exception>
    public static InspectOptions Parse(IReadOnlyList<string> arguments, TimeProvider time)
    {
        var subject = Subjects[arguments[0]];
        var format = InspectFormat.Table;
        Uri? admin = null;
        string? file = null, ns = null, address = null, node = null;
        ConnectionDirections? direction = null;
        var raw = false;
        var reader = new ArgumentReader([.. arguments.Skip(1)]);
        while (reader.TryRead(out var argument))
        {
            switch (argument)
            {
                case "-o" or "--output":
                    format = FormatOf(reader.ReadValue(argument));
                    break;
                case "--admin":
                    admin = AdminOf(reader.ReadValue(argument));
                    break;
                case "-f" or "--file":
                    file = reader.ReadValue(argument);
                    break;
                case "--workload-namespace" when subject is InspectSubject.Workloads or InspectSubject.Connections:
                case "--service-namespace" when subject is InspectSubject.Services:
                case "--policy-namespace" when subject is InspectSubject.Policies:
                    ns = reader.ReadValue(argument);
                    break;
                case "--address" when subject is InspectSubject.Workloads:
                    address = reader.ReadValue(argument);
                    break;
                case "--workload-node" when subject is InspectSubject.Workloads:
                    node = reader.ReadValue(argument);
                    break;
                case "--direction" when subject is InspectSubject.Connections:
                    direction = DirectionOf(reader.ReadValue(argument));
                    break;
                case "--raw" when subject is InspectSubject.Connections:
                    raw = true;
                    break;
                default:
                    throw ArgumentReader.Unexpected(argument, $"'ztunnel {arguments[0]}' does not have it, {Usage}");
            }
        }

        if (admin is not null && file is not null)
        {
            throw new UsageException("--admin and -f exclude each other: a dump has one source");
        }

        if (format is not InspectFormat.Table && (direction is not null || raw))
        {
            throw new UsageException("--direction and --raw are for the table: JSON and YAML show pods as they are");
        }

        DumpView view = subject switch
        {
            InspectSubject.Workloads => new WorkloadView(ns, address, node),
            InspectSubject.Services => new ServiceView(ns),
            InspectSubject.Policies => new PolicyView(ns),
            InspectSubject.Certificates => new CertificateView(time),
            _ => new ConnectionView(ns, direction ?? ConnectionDirections.Both, raw),
        };
        return new InspectOptions(view, format, admin ?? DefaultAdmin, file);
    }

    private static InspectFormat FormatOf(string value) => value switch
    {
        "table" or "short" => InspectFormat.Table, // istioctl says short
        "json" => InspectFormat.Json,
        "yaml" => InspectFormat.Yaml,
        _ => throw new UsageException($"-o cannot be '{value}': expected table, json or yaml"),
    };

    private static ConnectionDirections DirectionOf(string value) => value.ToLowerInvariant() switch
    {
        "inbound" => ConnectionDirections.Inbound,
        "outbound" => ConnectionDirections.Outbound,
        _ => throw new UsageException($"--direction cannot be '{value}': expected inbound or outbound"),
    };

    private static Uri AdminOf(string value) =>
        Uri.TryCreate(value.Contains("://", StringComparison.Ordinal) ? value : $"http://{value}", UriKind.Absolute, out var url)
        && url.Scheme == Uri.UriSchemeHttp
            ? url
            : throw new UsageException($"--admin cannot be '{value}': expected http://ADDRESS:PORT");
}

/// <summary>How a part of a dump is printed.</summary>
internal enum InspectFormat
{
    /// <summary>Columns.</summary>
    Table,

    /// <summary>A list, as istioctl writes it.</summary>
    Json,

    /// <summary>The same with sorted names.</summary>
    Yaml,
}
