using System.Collections.Immutable;
using System.Net;
using Hbone.Http2;
using Hbone.Pool;
using Hbone.Tls;
using Redirection;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.Config;

/// <summary>
/// Every setting of the process, read once at start. Immutable: derive a variant with <c>with</c>. The defaults are
/// those of an empty environment on a machine with two processors.
/// </summary>
internal sealed record ProxyOptions
{
    /// <summary>Whose traffic is carried. Default <see cref="ProxyMode.Shared"/>.</summary>
    /// <remarks>Environment: <c>PROXY_MODE</c>, <c>shared</c> or <c>dedicated</c>.</remarks>
    public ProxyMode Mode { get; init; }

    /// <summary>The workload of a dedicated proxy; null exactly in shared mode.</summary>
    /// <remarks>Environment: <c>PROXY_WORKLOAD_INFO</c>, <c>namespace/name/serviceaccount</c>.</remarks>
    public WorkloadInfo? DedicatedWorkload { get; init; }

    /// <summary>Whether the three proxy paths are served. Default true; one of proxy and DNS has to be.</summary>
    /// <remarks>Environment: <c>ENABLE_PROXY</c>.</remarks>
    public bool ProxyEnabled { get; init; } = true;

    /// <summary>Network of this node. Default empty, the default network.</summary>
    /// <remarks>Environment: <c>NETWORK</c>.</remarks>
    public string Network { get; init; } = "";

    /// <summary>Kubernetes node; null when unset.</summary>
    /// <remarks>Environment: <c>NODE_NAME</c>.</remarks>
    public string? NodeName { get; init; }

    /// <summary>Cluster, sent to the control plane and in telemetry. Default <c>Kubernetes</c>.</summary>
    /// <remarks>Environment: <c>ISTIO_META_CLUSTER_ID</c>, else <c>CLUSTER_ID</c>.</remarks>
    public string ClusterId { get; init; } = "Kubernetes";

    /// <summary>DNS domain of the cluster. Default <c>cluster.local</c>.</summary>
    /// <remarks>Environment: <c>CLUSTER_DOMAIN</c>.</remarks>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>Trust domain of the process's own identity only. Default <c>cluster.local</c>.</summary>
    /// <remarks>Environment: <c>TRUST_DOMAIN</c>.</remarks>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Istio version that the image belongs to. Default <c>unknown</c>.</summary>
    /// <remarks>Environment: <c>ISTIO_META_ISTIO_VERSION</c>.</remarks>
    public string IstioVersion { get; init; } = "unknown";

    /// <summary>The pod that the process runs in; null unless all three are known.</summary>
    /// <remarks>Environment: <c>POD_NAME</c>, <c>POD_NAMESPACE</c>, <c>SERVICE_ACCOUNT</c>.</remarks>
    public WorkloadInfo? OwnWorkload { get; init; }

    /// <summary>Identity of <see cref="OwnWorkload"/>, which has an inbound listener of its own.</summary>
    public SpiffeId? OwnIdentity =>
        OwnWorkload is { } own ? new SpiffeId(TrustDomain, own.Namespace, own.ServiceAccount) : null;

    /// <summary>Pod name for the XDS node; empty when unset.</summary>
    /// <remarks>Environment: <c>POD_NAME</c>.</remarks>
    public string PodName { get; init; } = "";

    /// <summary>Pod namespace for the XDS node; empty when unset.</summary>
    /// <remarks>Environment: <c>POD_NAMESPACE</c>.</remarks>
    public string PodNamespace { get; init; } = "";

    /// <summary>Pod address for the XDS node. Default <c>1.1.1.1</c>.</summary>
    /// <remarks>Environment: <c>INSTANCE_IP</c>.</remarks>
    public string InstanceIp { get; init; } = "1.1.1.1";

    /// <summary>Node metadata that is text, prefix <c>ISTIO_META_</c> stripped.</summary>
    /// <remarks>ProxyConfig <c>proxyMetadata</c>, overridden by environment <c>ISTIO_META_*</c>.</remarks>
    public ImmutableSortedDictionary<string, string> ProxyMetadata { get; init; } = NoMetadata;

    /// <summary>Node metadata that is typed: valid JSON text by name, prefix stripped.</summary>
    /// <remarks>Environment: <c>ISTIO_METAJSON_*</c>; a value that is not JSON is skipped with a warning.</remarks>
    public ImmutableSortedDictionary<string, string> JsonMetadata { get; init; } = NoMetadata;

    /// <summary>XDS server; null is off. Default istiod, in a cluster by its service name, else on this host.</summary>
    /// <remarks>Environment: <c>XDS_ADDRESS</c> (empty is off), else ProxyConfig <c>discoveryAddress</c>.</remarks>
    public Uri? XdsAddress { get; init; } = new("https://localhost:15012");

    /// <summary>How the XDS server is verified, and what is sent to it.</summary>
    /// <remarks>Environment: <c>XDS_ROOT_CA</c>, <c>ALT_XDS_HOSTNAME</c>, <c>XDS_HEADER_*</c>.</remarks>
    public ControlPlaneOptions Xds { get; init; } = ControlPlaneOptions.Default;

    /// <summary>Whether addresses are subscribed one by one when first used. Default false.</summary>
    /// <remarks>Environment: <c>XDS_ON_DEMAND</c>.</remarks>
    public bool XdsOnDemand { get; init; }

    /// <summary>How long a connection waits for an address that is asked for on demand. Above zero, default 5 s.</summary>
    /// <remarks>Environment: <c>XDS_ON_DEMAND_TIMEOUT</c>.</remarks>
    public TimeSpan XdsOnDemandTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>CA server; null is none. Default as <see cref="XdsAddress"/>.</summary>
    /// <remarks>Environment: <c>CA_ADDRESS</c>; empty only with <c>FAKE_CA=true</c>, which needs none.</remarks>
    public Uri? CaAddress { get; init; } = new("https://localhost:15012");

    /// <summary>How the CA server is verified, and what is sent to it.</summary>
    /// <remarks>Environment: <c>CA_ROOT_CA</c>, <c>ALT_CA_HOSTNAME</c>, <c>CA_HEADER_*</c>.</remarks>
    public ControlPlaneOptions Ca { get; init; } = ControlPlaneOptions.Default;

    /// <summary>Limit for the CA's answer to one request. Above zero, default 30 s.</summary>
    /// <remarks>Environment: <c>CA_RESPONSE_TIMEOUT</c>.</remarks>
    public TimeSpan CaResponseTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long after the end of our certificate an HBONE connection made with it may go on. Then it is drained, and cut
    /// after <see cref="ConnectionTerminationDeadline"/>. Null, the default, leaves connections alone.
    /// </summary>
    /// <remarks>Environment: <c>CERTIFICATE_EXPIRY_DRAIN_MARGIN</c>.</remarks>
    public TimeSpan? CertificateExpiryDrainMargin { get; init; }

    /// <summary>
    /// Directory for the last known mesh, made when missing; null, the default, keeps none. It has to belong to the user
    /// of the process, and nobody else may be able to write to it. Proxies of one mesh on one node may share it.
    /// </summary>
    /// <remarks>Environment: <c>STATE_DIR</c>; empty is unset.</remarks>
    public string? StateDirectory { get; init; }

    /// <summary>
    /// How long ago the control plane may have stood behind a mesh that a start uses from there. Above zero, default 24 h,
    /// the lifetime of certificates.
    /// </summary>
    /// <remarks>Environment: <c>STATE_MAX_AGE</c>.</remarks>
    public TimeSpan StateMaxAge
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromHours(24);

    /// <summary>
    /// How long a start with such a mesh waits for the control plane before it serves from it. Zero or more, default 5 s.
    /// </summary>
    /// <remarks>Environment: <c>STATE_SYNC_WAIT</c>.</remarks>
    public TimeSpan StateSyncWait
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>Bearer token for both servers; null sends none.</summary>
    /// <remarks>
    /// Environment: <c>AUTH_TOKEN</c>, a path or the token itself; default the projected token whenever there is one.
    /// </remarks>
    public AuthTokenSource? AuthToken { get; init; }

    /// <summary>Whether the control plane may be spoken to with TLS 1.2 besides 1.3. Default false.</summary>
    /// <remarks>Environment: <c>TLS12_ENABLED</c>; on with <c>true</c> only.</remarks>
    public bool Tls12Enabled { get; init; }

    /// <summary>Whether every TLS key exchange must be X25519MLKEM768. Default false.</summary>
    /// <remarks>
    /// Environment: <c>COMPLIANCE_POLICY</c>; on with <c>pqc</c>, which needs OpenSSL 3.5; another value is ignored with a
    /// warning.
    /// </remarks>
    public bool PostQuantumOnly { get; init; }

    /// <summary>
    /// File with workloads, services and policies; null for none. Not together with <see cref="LocalMeshText"/>.
    /// </summary>
    /// <remarks>Environment: <c>LOCAL_XDS_PATH</c>.</remarks>
    public string? LocalMeshPath { get; init; }

    /// <summary>The same as YAML text; null for none.</summary>
    /// <remarks>Environment: <c>LOCAL_XDS</c>.</remarks>
    public string? LocalMeshText { get; init; }

    /// <summary>Whether certificates come from a CA inside this process. Default false. Not for production.</summary>
    /// <remarks>Environment: <c>FAKE_CA</c>.</remarks>
    public bool FakeCa { get; init; }

    /// <summary>
    /// Directory with root certificate and key of that CA, made when missing: proxies trust each other when they share
    /// it. Default <c>./var/run/secrets/ztunnel-ca</c>, beside the control plane's secrets.
    /// </summary>
    /// <remarks>Environment: <c>LOCAL_CA_DIR</c>; read only with <c>FAKE_CA=true</c>.</remarks>
    public string LocalCaDirectory { get; init; } = "./var/run/secrets/ztunnel-ca";

    /// <summary>Requested validity of workload certificates. Above zero, default 24 h.</summary>
    /// <remarks>Environment: <c>SECRET_TTL</c>.</remarks>
    public TimeSpan SecretTtl
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromHours(24);

    /// <summary>Certificate revocation list, PEM or DER; null for none.</summary>
    /// <remarks>Environment: <c>CRL_PATH</c>; empty is unset.</remarks>
    public string? CrlPath { get; init; }

    /// <summary>Whether IPv6 is listened on and answered. Default true.</summary>
    /// <remarks>Environment: <c>IPV6_ENABLED</c>.</remarks>
    public bool Ipv6Enabled { get; init; } = true;

    /// <summary>Wildcard that listeners bind to: <c>[::]</c>, which takes IPv4 too, or <c>0.0.0.0</c>.</summary>
    public IPAddress AnyAddress => Ipv6Enabled ? IPAddress.IPv6Any : IPAddress.Any;

    /// <summary><c>SO_MARK</c> of our packets; null for none. Default 1337 in shared mode, none in dedicated.</summary>
    /// <remarks>
    /// Environment: <c>PACKET_MARK</c>; 0 is none. The redirection rules of the CNI agent expect 1337.
    /// </remarks>
    public uint? PacketMark { get; init; } = DefaultPacketMark;

    /// <summary>
    /// Keep the caller's address inbound: true must work, false never, null (default) if the kernel lets us.
    /// </summary>
    /// <remarks>Environment: <c>ENABLE_ORIG_SRC</c>.</remarks>
    public bool? OriginalSource { get; init; }

    /// <summary>Socket of the CNI agent. Default <c>/var/run/ztunnel/ztunnel.sock</c>.</summary>
    /// <remarks>Environment: <c>INPOD_UDS</c>.</remarks>
    public string InPodSocketPath { get; init; } = "/var/run/ztunnel/ztunnel.sock";

    /// <summary>
    /// <c>SO_REUSEPORT</c> on listeners in pods, so that a successor can bind beside us. Default true.
    /// </summary>
    /// <remarks>Environment: <c>INPOD_PORT_REUSE</c>.</remarks>
    public bool InPodPortReuse { get; init; } = true;

    /// <summary>
    /// Connections and inbound tunnels that one pod may have at once; 0 for no limit. Default 200,000.
    /// </summary>
    /// <remarks>Environment: <c>POD_MAX_CONNECTIONS</c>.</remarks>
    public int PodMaxConnections { get; init; } = 200_000;

    /// <summary>New connections and inbound tunnels of one pod in a second; 0, the default, for no limit.</summary>
    /// <remarks>Environment: <c>POD_MAX_CONNECTION_RATE</c>.</remarks>
    public int PodMaxConnectionRate { get; init; }

    /// <summary>
    /// Whether plain TCP passes through pipes of the kernel (splice(2)) while much of it comes, instead of through buffers of
    /// this process. Default true.
    /// </summary>
    /// <remarks>Environment: <c>ENABLE_SPLICE</c>.</remarks>
    public bool SpliceEnabled { get; init; } = true;

    /// <summary>What is done about endpoints that cannot be connected to.</summary>
    public FailoverOptions Failover { get; init; } = new();

    /// <summary>Keepalive of sockets that carry workload traffic.</summary>
    public KeepaliveOptions KeepAlive { get; init; } = new();

    /// <summary>Whether PROXY tunnels of waypoints are delivered to loopback. Default true.</summary>
    /// <remarks>Environment: <c>LOCALHOST_APP_TUNNEL</c>.</remarks>
    public bool LocalhostAppTunnel { get; init; } = true;

    /// <summary>Whether answers to CONNECT carry baggage, and that of others is read. Default true.</summary>
    /// <remarks>Environment: <c>ENABLE_RESPONSE_BAGGAGE</c>.</remarks>
    public bool ResponseBaggage { get; init; } = true;

    /// <summary>Whether policy decisions are logged at information instead of debug. Default false.</summary>
    /// <remarks>Environment: <c>AUTHZ_POLICY_INFO_LOGGING</c>; on with <c>true</c> only.</remarks>
    public bool AuthzPolicyInfoLogging { get; init; }

    /// <summary>
    /// What happens to connections to a workload that names a policy which has not arrived in time. Default
    /// <see cref="UnknownPolicyAction.Skip"/>.
    /// </summary>
    /// <remarks>Environment: <c>UNKNOWN_POLICY</c>; <c>skip</c> or <c>deny</c>.</remarks>
    public UnknownPolicyAction UnknownPolicy { get; init; }

    /// <summary>
    /// How long new connections to a workload wait for a policy that it names, since the name came. Zero or more, default
    /// 2 s.
    /// </summary>
    /// <remarks>Environment: <c>UNKNOWN_POLICY_WAIT</c>.</remarks>
    public TimeSpan UnknownPolicyWait
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(2);

    /// <summary>Form of log lines. Default plain.</summary>
    /// <remarks>Environment: <c>LOG_FORMAT</c>; anything but <c>json</c> is plain.</remarks>
    public LogFormat LogFormat { get; init; }

    /// <summary>Log levels, <c>level</c> and <c>target=level</c> separated by commas. Default <c>info</c>.</summary>
    /// <remarks>Environment: <c>RUST_LOG</c>; empty is unset.</remarks>
    public string LogFilter { get; init; } = "info";

    /// <summary>
    /// How long a traffic series of a workload or service that has left the mesh stays after its last connection; null for
    /// good. Default 15 min.
    /// </summary>
    /// <remarks>Environment: <c>TRAFFIC_SERIES_EXPIRY</c>; 0 is for good.</remarks>
    public TimeSpan? TrafficSeriesExpiry { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// Label sets that traffic is counted by. At least 1, default 20,000; connections beyond are counted with labels
    /// <c>overflow</c> for what is far.
    /// </summary>
    /// <remarks>Environment: <c>TRAFFIC_SERIES_MAX</c>.</remarks>
    public int TrafficSeriesMax
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = TrafficMetrics.DefaultMaxSeries;

    /// <summary>
    /// How often the access log tells of a connection that is still open; null, the default, for never.
    /// </summary>
    /// <remarks>Environment: <c>ACCESS_LOG_PROGRESS_INTERVAL</c>; 0 is never, less than 1 s is 1 s.</remarks>
    public TimeSpan? AccessLogProgressInterval { get; init; }

    /// <summary>Whether DNS of pods is answered. Default true.</summary>
    /// <remarks>
    /// Metadata <c>DNS_CAPTURE</c>, so also environment <c>ISTIO_META_DNS_CAPTURE</c>: off unless <c>true</c>.
    /// </remarks>
    public bool DnsEnabled { get; init; } = true;

    /// <summary>Where DNS is answered. Default <c>localhost:15053</c>.</summary>
    /// <remarks>Metadata <c>DNS_PROXY_ADDR</c>, so also environment <c>ISTIO_META_DNS_PROXY_ADDR</c>.</remarks>
    public DnsListenAddress DnsAddress { get; init; } = DnsListenAddress.Default;

    /// <summary>Namespace that wins when services share a name; null for none.</summary>
    /// <remarks>Environment: <c>PREFERED_SERVICE_NAMESPACE</c>, spelt like this.</remarks>
    public string? PreferredServiceNamespace { get; init; }

    /// <summary>Admin port, loopback only. Default 15000.</summary>
    /// <remarks>ProxyConfig <c>proxyAdminPort</c>.</remarks>
    public ushort AdminPort { get; init; } = 15000;

    /// <summary>Metrics port. Default 15020.</summary>
    /// <remarks>ProxyConfig <c>statsPort</c>.</remarks>
    public ushort StatsPort { get; init; } = 15020;

    /// <summary>Port of <c>/healthz/ready</c>. Always 15021: the chart's probe asks there.</summary>
    public ushort ReadinessPort { get; init; } = 15021;

    /// <summary>Port that redirection sends a pod's outgoing connections to. Always 15001.</summary>
    public ushort OutboundPort { get; init; } = 15001;

    /// <summary>Port that redirection sends incoming plaintext to. Always 15006.</summary>
    public ushort InboundPlaintextPort { get; init; } = 15006;

    /// <summary>HBONE. Always 15008: peers dial it.</summary>
    public ushort InboundPort { get; init; } = 15008;

    /// <summary>SOCKS5 on 127.0.0.1, always 15080.</summary>
    public ushort Socks5Port { get; init; } = 15080;

    /// <summary>Whether SOCKS5 is served. Default false.</summary>
    /// <remarks>Environment: <c>UNSTABLE_ENABLE_SOCKS5</c>.</remarks>
    public bool Socks5Enabled { get; init; }

    /// <summary>Our own ports in a pod: connecting to one of them would be a loop. Made anew for each call.</summary>
    public ImmutableArray<ushort> IllegalPorts => Socks5Enabled
        ? [InboundPort, InboundPlaintextPort, OutboundPort, Socks5Port]
        : [InboundPort, InboundPlaintextPort, OutboundPort];

    /// <summary>Sharing of outbound HBONE connections, and the time limits on the way to a peer.</summary>
    /// <remarks>
    /// Environment: <c>POOL_MAX_*</c>, <c>POOL_UNUSED_*</c>, <c>HBONE_CONNECT_TIMEOUT</c>, <c>TLS_HANDSHAKE_TIMEOUT</c>,
    /// <c>HBONE_RESPONSE_TIMEOUT</c>.
    /// </remarks>
    public HbonePoolOptions Pool { get; init; } = new();

    /// <summary>
    /// Whether connections to one service behind one network gateway share their inner tunnels. Default true.
    /// </summary>
    /// <remarks>
    /// Environment: <c>POOL_DOUBLE_HBONE</c>. A gateway chooses a server for each inner tunnel: shared ones cost no handshake
    /// per connection, others spread every single connection over the servers.
    /// </remarks>
    public bool PoolDoubleHbone { get; init; } = true;

    /// <summary>What our HTTP/2 endpoints announce, and what one connection may hold.</summary>
    /// <remarks>Environment: <c>HTTP2_*</c>, <c>HBONE_CONNECTION_MEMORY</c>.</remarks>
    public Http2Options Http2 { get; init; } = new();

    /// <summary>
    /// Payload that all connections of one pod may hold, bytes. At least 1 MiB, default 128 MiB. From half of it on peers
    /// are let send less; when it is used up, the streams that hold most are ended.
    /// </summary>
    /// <remarks>Environment: <c>POD_CONNECTION_MEMORY</c>.</remarks>
    public long PodMemory
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, SmallestMemory);
            field = value;
        }
    } = 128 * SmallestMemory;

    /// <summary>The same for all pods together, bytes. At least 1 MiB, default 256 MiB.</summary>
    /// <remarks>Environment: <c>PROXY_CONNECTION_MEMORY</c>. Istio's chart requests 512 MiB for the whole process.</remarks>
    public long ProcessMemory
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, SmallestMemory);
            field = value;
        }
    } = 256 * SmallestMemory;

    /// <summary>
    /// TLS handshakes that one address may have under way with one pod. At least 1, default 512; more are reset.
    /// </summary>
    /// <remarks>Environment: <c>HBONE_MAX_HANDSHAKES_PER_PEER</c>.</remarks>
    public int MaxHandshakesPerPeer
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 512;

    /// <summary>
    /// HBONE connections that one identity at one address may have to one pod. At least 1, default 4096; more are closed
    /// with ENHANCE_YOUR_CALM.
    /// </summary>
    /// <remarks>
    /// Environment: <c>HBONE_MAX_CONNECTIONS_PER_PEER</c>. A network gateway brings one for each connection of an
    /// application, so this is generous.
    /// </remarks>
    public int MaxConnectionsPerPeer
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 4_096;

    /// <summary>
    /// How long open connections may last once the process or a pod stops. Zero or more, default 5 s.
    /// </summary>
    /// <remarks>
    /// Environment: <c>CONNECTION_TERMINATION_DEADLINE</c>, else from <c>TERMINATION_GRACE_PERIOD_SECONDS</c>, with
    /// time left to end cleanly before the kubelet kills.
    /// </remarks>
    public TimeSpan ConnectionTerminationDeadline
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>Threads that serve connections. At least 1.</summary>
    /// <remarks>See <see cref="Config.WorkerThreads"/>.</remarks>
    public int WorkerThreads
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 2;

    /// <summary>The command line, for <c>/config_dump</c>.</summary>
    public string ProxyArguments { get; init; } = "";

    /// <summary>Settings that were ignored, in sentences for the log at start.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>The mark that the redirection rules of the CNI agent let pass.</summary>
    internal const uint DefaultPacketMark = 1337;

    /// <summary>No memory limit is lower: one connection could not work with less.</summary>
    internal const long SmallestMemory = 1024 * 1024;

    private static ImmutableSortedDictionary<string, string> NoMetadata { get; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>Whether <paramref name="port"/> is among <see cref="IllegalPorts"/>; allocates nothing.</summary>
    public bool IsIllegalPort(ushort port) =>
        port == InboundPort || port == InboundPlaintextPort || port == OutboundPort
        || (Socks5Enabled && port == Socks5Port);

    /// <summary>Reads this process's environment and the mesh config file. Call once.</summary>
    /// <exception cref="ConfigurationException">Something is set and not understood.</exception>
    public static ProxyOptions FromProcess() =>
        FromEnvironment(EnvironmentReader.ProcessVariables(), ProxyConfig.ReadMeshConfigFile());

    /// <summary>Reads an environment.</summary>
    /// <param name="environment">Variables by name; unknown ones are ignored.</param>
    /// <param name="meshConfig">From the mesh config file; null when there is none.</param>
    /// <param name="host">The machine; null for this one.</param>
    /// <exception cref="ConfigurationException">Something is set and not understood.</exception>
    public static ProxyOptions FromEnvironment(
        IReadOnlyDictionary<string, string> environment, ProxyConfig? meshConfig = null, HostFacts? host = null) =>
        new ProxyOptionsReader(new EnvironmentReader(environment), meshConfig, host ?? HostFacts.OfThisMachine).Read();
}
