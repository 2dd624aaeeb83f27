using System.Collections.Immutable;
using System.Text.Json;
using Hbone.Http2;
using Hbone.Pool;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.Config;

/// <summary>Builds <see cref="ProxyOptions"/> from one environment, one mesh config and one machine.</summary>
internal sealed class ProxyOptionsReader
{
    private const string MetadataPrefix = "ISTIO_META_";
    private const string JsonMetadataPrefix = "ISTIO_METAJSON_";
    private const string DefaultTokenPath = "./var/run/secrets/tokens/istio-token";

    private static readonly ProxyOptions Defaults = new();

    private readonly EnvironmentReader _environment;
    private readonly HostFacts _host;
    private readonly ProxyConfig _proxyConfig;
    private readonly ImmutableArray<string>.Builder _warnings = ImmutableArray.CreateBuilder<string>();

    public ProxyOptionsReader(EnvironmentReader environment, ProxyConfig? meshConfig, HostFacts host)
    {
        _environment = environment;
        _host = host;
        var ofVariable = environment.NonEmpty(ProxyConfig.Variable) is { } yaml
            ? ProxyConfig.FromYaml(yaml, ProxyConfig.Variable)
            : new ProxyConfig();
        _proxyConfig = (meshConfig ?? new ProxyConfig()).OverriddenBy(ofVariable);
    }

    /// <exception cref="ConfigurationException">Something is set and not understood.</exception>
    public ProxyOptions Read()
    {
        var mode = ReadMode();
        var metadata = ReadMetadata();
        var fakeCa = _environment.Bool("FAKE_CA") ?? Defaults.FakeCa;
        var options = new ProxyOptions
        {
            Mode = mode,
            DedicatedWorkload = mode == ProxyMode.Dedicated ? ReadDedicatedWorkload() : null,
            ProxyEnabled = _environment.Bool("ENABLE_PROXY") ?? Defaults.ProxyEnabled,
            Network = _environment.Text("NETWORK") ?? Defaults.Network,
            NodeName = _environment.Text("NODE_NAME"),
            ClusterId = _environment.Text("ISTIO_META_CLUSTER_ID")
                ?? _environment.Text("CLUSTER_ID")
                ?? Defaults.ClusterId,
            ClusterDomain = _environment.Text("CLUSTER_DOMAIN") ?? Defaults.ClusterDomain,
            TrustDomain = _environment.Text("TRUST_DOMAIN") ?? Defaults.TrustDomain,
            IstioVersion = ReadIstioVersion(_environment),
            OwnWorkload = ReadOwnWorkload(),
            PodName = _environment.Text("POD_NAME") ?? Defaults.PodName,
            PodNamespace = _environment.Text("POD_NAMESPACE") ?? Defaults.PodNamespace,
            InstanceIp = _environment.Text("INSTANCE_IP") ?? Defaults.InstanceIp,
            ProxyMetadata = metadata,
            JsonMetadata = ReadJsonMetadata(),
            XdsAddress = ReadAddress("XDS_ADDRESS", _proxyConfig.DiscoveryAddress),
            Xds = ReadControlPlane("XDS"),
            XdsOnDemand = _environment.Bool("XDS_ON_DEMAND") ?? Defaults.XdsOnDemand,
            XdsOnDemandTimeout = _environment.TimeLimit("XDS_ON_DEMAND_TIMEOUT", Defaults.XdsOnDemandTimeout),
            CaAddress = ReadCaAddress(fakeCa),
            Ca = ReadControlPlane("CA"),
            CaResponseTimeout = _environment.TimeLimit("CA_RESPONSE_TIMEOUT", Defaults.CaResponseTimeout),
            CertificateExpiryDrainMargin = _environment.Duration("CERTIFICATE_EXPIRY_DRAIN_MARGIN"),
            StateDirectory = _environment.NonEmpty("STATE_DIR"),
            StateMaxAge = _environment.PositiveDuration("STATE_MAX_AGE", Defaults.StateMaxAge),
            StateSyncWait = EnvironmentReader.ForTimer(
                _environment.Duration("STATE_SYNC_WAIT") ?? Defaults.StateSyncWait),
            AuthToken = ReadAuthToken(),
            Tls12Enabled = _environment.Switch("TLS12_ENABLED"),
            PostQuantumOnly = ReadPostQuantumOnly(),
            FakeCa = fakeCa,
            LocalCaDirectory = _environment.NonEmpty("LOCAL_CA_DIR") ?? Defaults.LocalCaDirectory,
            SecretTtl = _environment.PositiveDuration("SECRET_TTL", Defaults.SecretTtl),
            CrlPath = _environment.NonEmpty("CRL_PATH"),
            Ipv6Enabled = _environment.Bool("IPV6_ENABLED") ?? Defaults.Ipv6Enabled,
            PacketMark = ReadPacketMark(mode),
            OriginalSource = _environment.Bool("ENABLE_ORIG_SRC"),
            InPodSocketPath = _environment.Text("INPOD_UDS") ?? Defaults.InPodSocketPath,
            InPodPortReuse = _environment.Bool("INPOD_PORT_REUSE") ?? Defaults.InPodPortReuse,
            PodMaxConnections = _environment.Int(
                "POD_MAX_CONNECTIONS", Defaults.PodMaxConnections, 0, int.MaxValue),
            PodMaxConnectionRate = _environment.Int(
                "POD_MAX_CONNECTION_RATE", Defaults.PodMaxConnectionRate, 0, int.MaxValue),
            SpliceEnabled = _environment.Bool("ENABLE_SPLICE") ?? Defaults.SpliceEnabled,
            Failover = FailoverOptions.Read(_environment),
            KeepAlive = ReadKeepAlive(),
            LocalhostAppTunnel = _environment.Bool("LOCALHOST_APP_TUNNEL") ?? Defaults.LocalhostAppTunnel,
            PoolDoubleHbone = _environment.Bool("POOL_DOUBLE_HBONE") ?? Defaults.PoolDoubleHbone,
            ResponseBaggage = _environment.Bool("ENABLE_RESPONSE_BAGGAGE") ?? Defaults.ResponseBaggage,
            AuthzPolicyInfoLogging = _environment.Switch("AUTHZ_POLICY_INFO_LOGGING"),
            UnknownPolicy = ReadUnknownPolicy(),
            UnknownPolicyWait = EnvironmentReader.ForTimer(
                _environment.Duration("UNKNOWN_POLICY_WAIT") ?? Defaults.UnknownPolicyWait),
            LogFormat = _environment.Text("LOG_FORMAT") == "json" ? LogFormat.Json : LogFormat.Plain,
            LogFilter = ReadLogFilter(),
            TrafficSeriesExpiry = ReadPeriod("TRAFFIC_SERIES_EXPIRY", Defaults.TrafficSeriesExpiry),
            TrafficSeriesMax = _environment.Int("TRAFFIC_SERIES_MAX", Defaults.TrafficSeriesMax, 1, int.MaxValue),
            AccessLogProgressInterval = ReadPeriod("ACCESS_LOG_PROGRESS_INTERVAL", Defaults.AccessLogProgressInterval),
            DnsEnabled = IsDnsEnabled(metadata),
            DnsAddress = ReadDnsAddress(metadata),
            PreferredServiceNamespace = _environment.Text("PREFERED_SERVICE_NAMESPACE"),
            AdminPort = _proxyConfig.ProxyAdminPort ?? Defaults.AdminPort,
            StatsPort = _proxyConfig.StatsPort ?? Defaults.StatsPort,
            Socks5Enabled = _environment.Bool("UNSTABLE_ENABLE_SOCKS5") ?? Defaults.Socks5Enabled,
            Pool = ReadPool(),
            Http2 = ReadHttp2(),
            PodMemory = ReadMemory("POD_CONNECTION_MEMORY", Defaults.PodMemory),
            ProcessMemory = ReadMemory("PROXY_CONNECTION_MEMORY", Defaults.ProcessMemory),
            MaxHandshakesPerPeer = _environment.Int(
                "HBONE_MAX_HANDSHAKES_PER_PEER", Defaults.MaxHandshakesPerPeer, 1, int.MaxValue),
            MaxConnectionsPerPeer = _environment.Int(
                "HBONE_MAX_CONNECTIONS_PER_PEER", Defaults.MaxConnectionsPerPeer, 1, int.MaxValue),
            ConnectionTerminationDeadline = ReadDeadline(),
            WorkerThreads = WorkerThreads.Count(_environment, _proxyConfig.Concurrency, _host.LogicalCores),
            LocalMeshPath = _environment.NonEmpty("LOCAL_XDS_PATH"),
            LocalMeshText = _environment.NonEmpty("LOCAL_XDS"),
        };
        RefuseContradictions(options);
        return options with { Warnings = _warnings.ToImmutable() };
    }

    /// <summary>The one variable that <c>ztunnel version</c> needs.</summary>
    public static string ReadIstioVersion(EnvironmentReader environment) =>
        environment.Text("ISTIO_META_ISTIO_VERSION") ?? Defaults.IstioVersion;

    private static void RefuseContradictions(ProxyOptions options)
    {
        if (options is { ProxyEnabled: false, DnsEnabled: false })
        {
            throw new ConfigurationException(
                "ENABLE_PROXY", "is false and ISTIO_META_DNS_CAPTURE is not true: nothing would be served");
        }

        if (options is { XdsOnDemand: true, DnsEnabled: true })
        {
            throw new ConfigurationException(
                "XDS_ON_DEMAND", "is true and ISTIO_META_DNS_CAPTURE is not false: names cannot be answered on demand");
        }

        if (options is { LocalMeshPath: not null, LocalMeshText: not null })
        {
            throw new ConfigurationException("LOCAL_XDS", "LOCAL_XDS_PATH is set too: only one of them can be used");
        }
    }

    private ProxyMode ReadMode() => _environment.Text("PROXY_MODE") switch
    {
        null or "shared" => ProxyMode.Shared,
        "dedicated" => ProxyMode.Dedicated,
        var other => throw EnvironmentReader.Unexpected("PROXY_MODE", "'shared' or 'dedicated'", other),
    };

    private UnknownPolicyAction ReadUnknownPolicy() => _environment.Text("UNKNOWN_POLICY") switch
    {
        null or "skip" => UnknownPolicyAction.Skip,
        "deny" => UnknownPolicyAction.Deny,
        var other => throw EnvironmentReader.Unexpected("UNKNOWN_POLICY", "'skip' or 'deny'", other),
    };

    private string ReadLogFilter()
    {
        const string Variable = "RUST_LOG";
        var text = _environment.NonEmpty(Variable) ?? Defaults.LogFilter;
        return LogFilter.IsValid(text)
            ? text
            : throw EnvironmentReader.Unexpected(Variable, "levels or target=level, with commas", text);
    }

    private WorkloadInfo ReadDedicatedWorkload()
    {
        const string Variable = "PROXY_WORKLOAD_INFO";
        const string Expected = "'namespace/name/serviceaccount'";
        var text = _environment.Text(Variable)
            ?? throw new ConfigurationException(Variable, $"PROXY_MODE=dedicated needs it, as {Expected}");
        return text.Split('/') is [{ Length: > 0 } ns, { Length: > 0 } name, { Length: > 0 } serviceAccount]
            ? new WorkloadInfo(name, ns, serviceAccount)
            : throw EnvironmentReader.Unexpected(Variable, Expected, text);
    }

    private WorkloadInfo? ReadOwnWorkload() =>
        _environment.NonEmpty("POD_NAME") is { } name
        && _environment.NonEmpty("POD_NAMESPACE") is { } ns
        && _environment.NonEmpty("SERVICE_ACCOUNT") is { } serviceAccount
            ? new WorkloadInfo(name, ns, serviceAccount)
            : null;

    private ImmutableSortedDictionary<string, string> ReadMetadata()
    {
        var metadata = Defaults.ProxyMetadata.ToBuilder();
        foreach (var (name, value) in _proxyConfig.ProxyMetadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            metadata[WithoutPrefix(name)] = value;
        }

        foreach (var (variable, _, value) in _environment.WithPrefix(MetadataPrefix))
        {
            metadata[WithoutPrefix(variable)] = value;
        }

        return metadata.ToImmutable();
    }

    /// <summary>The prefix goes as often as it stands there, as in the reference.</summary>
    private static string WithoutPrefix(string name)
    {
        while (name.StartsWith(MetadataPrefix, StringComparison.Ordinal))
        {
            name = name[MetadataPrefix.Length..];
        }

        return name;
    }

    private ImmutableSortedDictionary<string, string> ReadJsonMetadata()
    {
        var metadata = Defaults.JsonMetadata.ToBuilder();
        foreach (var (variable, name, value) in _environment.WithPrefix(JsonMetadataPrefix))
        {
            try
            {
                using var document = JsonDocument.Parse(value);
                metadata[name] = value;
            }
            catch (JsonException)
            {
                _warnings.Add($"{variable} is skipped: its value is not JSON");
            }
        }

        return metadata.ToImmutable();
    }

    private Uri? ReadAddress(string variable, string? fallback = null)
    {
        var (source, text) = (_environment.Text(variable), fallback) switch
        {
            ({ } own, _) => (variable, own),
            (null, { } other) => ("discoveryAddress", other),
            _ when _environment.Text("KUBERNETES_SERVICE_HOST") is not null =>
                (variable, "istiod.istio-system.svc:15012"),
            _ => (variable, "localhost:15012"),
        };
        if (text.Length == 0)
        {
            return null;
        }

        var uri = text.Contains("://", StringComparison.Ordinal) ? text : $"https://{text}";
        return Uri.TryCreate(uri, UriKind.Absolute, out var address) && address is { Host.Length: > 0 }
            ? address
            : throw EnvironmentReader.Unexpected(source, "an address such as 'istiod.istio-system.svc:15012'", text);
    }

    private Uri? ReadCaAddress(bool fakeCa) => ReadAddress("CA_ADDRESS") switch
    {
        null when !fakeCa => throw new ConfigurationException(
            "CA_ADDRESS", "is empty although FAKE_CA is not true: no certificate could be had"),
        var address => address,
    };

    private ControlPlaneOptions ReadControlPlane(string server) => new(
        _environment.Text($"{server}_ROOT_CA") is { } roots
            ? RootCertificateSource.Parse(roots)
            : ControlPlaneOptions.Default.RootCertificates,
        _environment.Text($"ALT_{server}_HOSTNAME"),
        [.. _environment.WithPrefix($"{server}_HEADER_").Select(ControlPlaneHeader.Read)]);

    /// <summary>
    /// A file may be mounted after the start. The reference looks once: it would go on without a token, or send the path as
    /// one.
    /// </summary>
    private AuthTokenSource ReadAuthToken() => _environment.Text("AUTH_TOKEN") switch
    {
        null => new AuthTokenSource(DefaultTokenPath, null) { IsOptional = true },
        var path when LooksLikePath(path) || _host.FileExists(path) => new AuthTokenSource(path, null),
        var literal => new AuthTokenSource(null, literal),
    };

    private static bool LooksLikePath(string text) =>
        text.StartsWith('/')
        || text.StartsWith("./", StringComparison.Ordinal)
        || text.StartsWith("../", StringComparison.Ordinal);

    private bool ReadPostQuantumOnly()
    {
        var policy = _environment.NonEmpty("COMPLIANCE_POLICY");
        if (policy is not (null or "pqc"))
        {
            _warnings.Add($"COMPLIANCE_POLICY '{policy}' is ignored: only 'pqc' has a meaning here");
        }

        return policy == "pqc";
    }

    private uint? ReadPacketMark(ProxyMode mode) => _environment.UInt32("PACKET_MARK") switch
    {
        null when mode == ProxyMode.Shared => ProxyOptions.DefaultPacketMark,
        null or 0 => null,
        var mark => mark,
    };

    private KeepaliveOptions ReadKeepAlive()
    {
        var defaults = Defaults.KeepAlive;
        return new KeepaliveOptions
        {
            Enabled = _environment.Bool("KEEPALIVE_ENABLED") ?? defaults.Enabled,
            Time = _environment.Duration("KEEPALIVE_TIME") ?? defaults.Time,
            Interval = _environment.Duration("KEEPALIVE_INTERVAL") ?? defaults.Interval,
            Retries = _environment.Int("KEEPALIVE_RETRIES", defaults.Retries, 0, int.MaxValue),
            UserTimeoutEnabled = _environment.Bool("USER_TIMEOUT_ENABLED") ?? defaults.UserTimeoutEnabled,
        };
    }

    /// <summary>On without the entry, as chart and image leave it.</summary>
    private static bool IsDnsEnabled(ImmutableSortedDictionary<string, string> metadata) =>
        !metadata.TryGetValue("DNS_CAPTURE", out var value) || value.Equals("true", StringComparison.OrdinalIgnoreCase);

    private static DnsListenAddress ReadDnsAddress(ImmutableSortedDictionary<string, string> metadata)
    {
        const string Key = "DNS_PROXY_ADDR";
        if (!metadata.TryGetValue(Key, out var text))
        {
            return Defaults.DnsAddress;
        }

        return DnsListenAddress.TryParse(text)
            ?? throw EnvironmentReader.Unexpected(Key, "'localhost:port' or 'ip:port'", text);
    }

    private HbonePoolOptions ReadPool()
    {
        var defaults = Defaults.Pool;
        return new HbonePoolOptions
        {
            MaxStreamsPerConnection = _environment.Int(
                "POOL_MAX_STREAMS_PER_CONNECTION", defaults.MaxStreamsPerConnection, 1, ushort.MaxValue),
            UnusedReleaseTimeout = _environment.TimeLimit("POOL_UNUSED_RELEASE_TIMEOUT", defaults.UnusedReleaseTimeout),
            ConnectTimeout = _environment.TimeLimit("HBONE_CONNECT_TIMEOUT", defaults.ConnectTimeout),
            TlsHandshakeTimeout = _environment.TimeLimit("TLS_HANDSHAKE_TIMEOUT", defaults.TlsHandshakeTimeout),
            ResponseTimeout = _environment.TimeLimit("HBONE_RESPONSE_TIMEOUT", defaults.ResponseTimeout),
        };
    }

    private Http2Options ReadHttp2()
    {
        var defaults = Defaults.Http2;
        return new Http2Options
        {
            StreamWindowSize = _environment.Int(
                "HTTP2_STREAM_WINDOW_SIZE", defaults.StreamWindowSize, 1, int.MaxValue),
            ConnectionWindowSize = _environment.Int(
                "HTTP2_CONNECTION_WINDOW_SIZE", defaults.ConnectionWindowSize, 65_535, int.MaxValue),
            MaxFrameSize = _environment.Int("HTTP2_FRAME_SIZE", defaults.MaxFrameSize, 16_384, 16_777_215),
            MaxConcurrentStreams = _environment.Int(
                "HTTP2_MAX_CONCURRENT_STREAMS", defaults.MaxConcurrentStreams, 1, int.MaxValue),
            SettingsTimeout = _environment.TimeLimit("HTTP2_SETTINGS_TIMEOUT", defaults.SettingsTimeout),
            ConnectionMemory = _environment.Int(
                "HBONE_CONNECTION_MEMORY",
                defaults.ConnectionMemory,
                (int)ProxyOptions.SmallestMemory,
                int.MaxValue),
        };
    }

    private long ReadMemory(string name, long defaultValue) =>
        (long?)_environment.WholeNumber(name, (ulong)ProxyOptions.SmallestMemory, long.MaxValue) ?? defaultValue;

    /// <summary>Zero is null; anything else is a second at least, and what a timer can wait at most.</summary>
    private TimeSpan? ReadPeriod(string name, TimeSpan? defaultValue) => _environment.Duration(name) switch
    {
        null => defaultValue,
        { Ticks: 0 } => null,
        { TotalSeconds: < 1 } => TimeSpan.FromSeconds(1),
        var period => EnvironmentReader.ForTimer(period.Value),
    };

    private TimeSpan ReadDeadline()
    {
        if (_environment.Duration("CONNECTION_TERMINATION_DEADLINE") is { } deadline)
        {
            return EnvironmentReader.ForTimer(deadline);
        }

        // The kubelet kills when the grace period is over; what is left of it is for closing and leaving.
        return _environment.WholeNumber("TERMINATION_GRACE_PERIOD_SECONDS") switch
        {
            null => Defaults.ConnectionTerminationDeadline,
            <= 2 => TimeSpan.FromSeconds(1),
            <= 10 and var seconds => TimeSpan.FromSeconds(seconds - 1),
            var seconds => EnvironmentReader.ForTimer(TimeSpan.FromSeconds(Math.Min(seconds.Value, int.MaxValue) - 5)),
        };
    }
}
