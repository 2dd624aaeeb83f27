using Redirection.Rules;

namespace Ztunnel.Cni;

/// <summary>Annotations of a pod that change its redirection, as Istio's CNI agent reads them.</summary>
internal static class PodAnnotations
{
    private const string BypassInboundCapture = "ambient.istio.io/bypass-inbound-capture";
    private const string DnsCapture = "ambient.istio.io/dns-capture";
    private const string RerouteVirtualInterfaces = "istio.io/reroute-virtual-interfaces";

    /// <summary>The rules with one annotation taken into account; others than the three change nothing.</summary>
    /// <param name="rules">What holds without it.</param>
    /// <param name="key">Of the annotation.</param>
    /// <param name="value">Of the annotation. One that is not understood changes nothing, and <paramref name="warn"/> is told.</param>
    /// <param name="warn">Takes one line.</param>
    public static InPodRules Apply(InPodRules rules, string key, string value, Action<string> warn) => key switch
    {
        BypassInboundCapture when ReadBoolean(key, value, warn) is { } bypass => rules with { CaptureInbound = !bypass },
        DnsCapture when ReadBoolean(key, value, warn) is { } capture => rules with { CaptureDns = capture },
        RerouteVirtualInterfaces => WithInterfaces(rules, key, value, warn),
        _ => rules,
    };

    // The values that Go's strconv.ParseBool takes.
    private static bool? ReadBoolean(string key, string value, Action<string> warn)
    {
        switch (value)
        {
            case "1" or "t" or "T" or "true" or "TRUE" or "True":
                return true;
            case "0" or "f" or "F" or "false" or "FALSE" or "False":
                return false;
            default:
                warn($"annotation {key} is ignored: '{value}' is neither true nor false");
                return null;
        }
    }

    private static InPodRules WithInterfaces(InPodRules rules, string key, string value, Action<string> warn)
    {
        try
        {
            return rules with
            {
                VirtualInterfaces =
                    value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            };
        }
        catch (ArgumentException e)
        {
            warn($"annotation {key} is ignored: {e.Message}");
            return rules;
        }
    }
}
