using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Redirection;
using Ztunnel.Mesh;

namespace Ztunnel.Config;

/// <summary>
/// Writes the <c>config</c> object of <c>/config_dump</c>, keys and shapes as in the reference, in ordinal order. Token
/// and local mesh text are never written.
/// </summary>
/// <remarks>
/// Kiali drops its whole page when a type is not the one it knows. Where the reference lets that happen, ours keeps
/// Kiali's: <c>requireOriginalSource</c> and <c>proxyWorkloadInformation</c> are text or null, root certificates always
/// an object. <c>dnsResolverCfg</c> and <c>dnsResolverOpts</c>, a library's internals there, are null.
/// </remarks>
internal static class ConfigDumpConfigWriter
{
    /// <summary>The object in one line for the log, which more people may read: values of headers are not shown.</summary>
    public static string LineOf(ProxyOptions options)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(json, options with { Ca = WithoutValues(options.Ca), Xds = WithoutValues(options.Xds) });
        }

        return Encoding.UTF8.GetString(line.GetBuffer().AsSpan(0, (int)line.Length));

        static ControlPlaneOptions WithoutValues(ControlPlaneOptions options) => options with
        {
            Headers = [.. options.Headers.Select(header => KeyValuePair.Create(header.Key, "(not shown)"))],
        };
    }

    /// <summary>Writes one JSON object as the next value.</summary>
    public static void Write(Utf8JsonWriter json, ProxyOptions options)
    {
        json.WriteStartObject();
        WriteLocalhost(json, "adminAddr", options.Ipv6Enabled, options.AdminPort);
        json.WriteString("altCaHostname", options.Ca.AlternateHostname);
        json.WriteString("altXdsHostname", options.Xds.AlternateHostname);
        json.WriteString("caAddress", options.CaAddress?.OriginalString);
        WriteHeaders(json, "caHeaders", options.Ca.Headers);
        WriteRoots(json, "caRootCert", options.Ca.RootCertificates);
        json.WriteString("clusterDomain", options.ClusterDomain);
        json.WriteString("clusterId", options.ClusterId);
        json.WriteNumber("connectionWindowSize", options.Http2.ConnectionWindowSize);
        json.WriteString("crlPath", options.CrlPath);
        json.WriteBoolean("dnsProxy", options.DnsEnabled);
        WriteDnsAddress(json, options);
        json.WriteNull("dnsResolverCfg");
        json.WriteNull("dnsResolverOpts");
        json.WriteBoolean("enableEnhancedBaggage", options.ResponseBaggage);
        json.WriteBoolean("fakeCa", options.FakeCa);
        json.WriteBoolean("fakeSelfInbound", false); // a test switch of the reference
        json.WriteNumber("frameSize", options.Http2.MaxFrameSize);
        WriteNumbers(json, "illegalPorts", options.IllegalPorts);
        json.WriteString("inboundAddr", Socket(options.AnyAddress, options.InboundPort));
        json.WriteString("inboundPlaintextAddr", Socket(options.AnyAddress, options.InboundPlaintextPort));
        json.WriteBoolean("inpodPortReuse", options.InPodPortReuse);
        json.WriteString("inpodUds", options.InPodSocketPath);
        json.WriteBoolean("ipv6Enabled", options.Ipv6Enabled);
        json.WriteString("localNode", options.NodeName);
        json.WriteBoolean("localhostAppTunnel", options.LocalhostAppTunnel);
        json.WriteString("network", options.Network);
        json.WriteNumber("numWorkerThreads", options.WorkerThreads);
        json.WriteString("outboundAddr", Socket(options.AnyAddress, options.OutboundPort));
        WriteNumberOrNull(json, "packetMark", options.PacketMark);
        json.WriteNumber("poolMaxStreamsPerConn", options.Pool.MaxStreamsPerConnection);
        WriteDuration(json, "poolUnusedReleaseTimeout", options.Pool.UnusedReleaseTimeout);
        json.WriteString("preferedServiceNamespace", options.PreferredServiceNamespace);
        json.WriteBoolean("proxy", options.ProxyEnabled);
        json.WriteString("proxyArgs", options.ProxyArguments);
        WriteMap(json, "proxyMetadata", options.ProxyMetadata);
        json.WriteString("proxyMode", options.Mode.ToString());
        json.WriteString("proxyWorkloadInformation", Path(options.DedicatedWorkload));
        WriteSocketAddress(json, "readinessAddr", options.AnyAddress, options.ReadinessPort);
        json.WriteString("requireOriginalSource", options.OriginalSource is { } required ? Text(required) : null);
        WriteDuration(json, "secretTtl", options.SecretTtl);
        WriteDuration(json, "selfTerminationDeadline", options.ConnectionTerminationDeadline);
        WriteKeepAlive(json, options.KeepAlive);
        json.WriteString("socks5Addr", options.Socks5Enabled ? Socket(IPAddress.Loopback, options.Socks5Port) : null);
        WriteSocketAddress(json, "statsAddr", options.AnyAddress, options.StatsPort);
        json.WriteNumber("windowSize", options.Http2.StreamWindowSize);
        json.WriteString("xdsAddress", options.XdsAddress?.OriginalString);
        WriteHeaders(json, "xdsHeaders", options.Xds.Headers);
        json.WriteBoolean("xdsOnDemand", options.XdsOnDemand);
        WriteRoots(json, "xdsRootCert", options.Xds.RootCertificates);
        json.WriteString("ztunnelIdentity", options.OwnIdentity?.ToString());
        WriteWorkload(json, "ztunnelWorkload", options.OwnWorkload);
        json.WriteEndObject();
    }

    private static void WriteDnsAddress(Utf8JsonWriter json, ProxyOptions options)
    {
        const string Key = "dnsProxyAddr";
        if (options.DnsAddress.Address is { } address)
        {
            WriteSocketAddress(json, Key, address, options.DnsAddress.Port);
        }
        else
        {
            WriteLocalhost(json, Key, options.Ipv6Enabled, options.DnsAddress.Port);
        }
    }

    private static void WriteLocalhost(Utf8JsonWriter json, string key, bool ipv6, ushort port)
    {
        json.WriteStartObject(key);
        json.WriteStartArray("Localhost");
        json.WriteBooleanValue(ipv6);
        json.WriteNumberValue(port);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSocketAddress(Utf8JsonWriter json, string key, IPAddress address, ushort port)
    {
        json.WriteStartObject(key);
        json.WriteString("SocketAddr", Socket(address, port));
        json.WriteEndObject();
    }

    private static void WriteDuration(Utf8JsonWriter json, string key, TimeSpan value)
    {
        json.WriteStartObject(key);
        json.WriteNumber("nanos", value.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick);
        json.WriteNumber("secs", value.Ticks / TimeSpan.TicksPerSecond);
        json.WriteEndObject();
    }

    private static void WriteHeaders(
        Utf8JsonWriter json, string key, ImmutableArray<KeyValuePair<string, string>> headers)
    {
        json.WriteStartArray(key);
        foreach (var (name, value) in headers)
        {
            json.WriteStartArray();
            json.WriteStringValue(name);
            json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteRoots(Utf8JsonWriter json, string key, RootCertificateSource source)
    {
        json.WriteStartObject(key);
        switch (source.Kind)
        {
            case RootCertificateKind.File:
                json.WriteString("File", source.Value);
                break;
            case RootCertificateKind.Inline:
                json.WriteNull("Static");
                break;
            default:
                json.WriteNull("Default");
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string key, ImmutableArray<ushort> values)
    {
        json.WriteStartArray(key);
        foreach (var value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteNumberOrNull(Utf8JsonWriter json, string key, uint? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
        else
        {
            json.WriteNull(key);
        }
    }

    private static void WriteMap(Utf8JsonWriter json, string key, ImmutableSortedDictionary<string, string> entries)
    {
        json.WriteStartObject(key);
        foreach (var (name, value) in entries)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }

    private static void WriteKeepAlive(Utf8JsonWriter json, KeepaliveOptions keepAlive)
    {
        json.WriteStartObject("socketConfig");
        json.WriteBoolean("keepaliveEnabled", keepAlive.Enabled);
        WriteDuration(json, "keepaliveInterval", keepAlive.Interval);
        json.WriteNumber("keepaliveRetries", keepAlive.Retries);
        WriteDuration(json, "keepaliveTime", keepAlive.Time);
        json.WriteBoolean("userTimeoutEnabled", keepAlive.UserTimeoutEnabled);
        json.WriteEndObject();
    }

    private static void WriteWorkload(Utf8JsonWriter json, string key, WorkloadInfo? workload)
    {
        if (workload is null)
        {
            json.WriteNull(key);
            return;
        }

        json.WriteStartObject(key);
        json.WriteString("name", workload.Name);
        json.WriteString("namespace", workload.Namespace);
        json.WriteString("serviceAccount", workload.ServiceAccount);
        json.WriteEndObject();
    }

    /// <summary>The form of <c>PROXY_WORKLOAD_INFO</c>.</summary>
    private static string? Path(WorkloadInfo? workload) =>
        workload is null ? null : $"{workload.Namespace}/{workload.Name}/{workload.ServiceAccount}";

    private static string Text(bool value) => value ? "true" : "false";

    private static string Socket(IPAddress address, ushort port) => new IPEndPoint(address, port).ToString();
}
