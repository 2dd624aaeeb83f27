using System.Globalization;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>Redirects a pod's connections to the proxy in it, with the rules of the CNI plugin without DNS.</summary>
internal static class Capture
{
    private const string Rules = """
        table inet istio-ambient-nat {
          chain prerouting {
            type nat hook prerouting priority -100;
            jump istio-prerouting
          }
          chain output {
            type nat hook output priority -100;
            jump istio-output
          }
          chain istio-prerouting {
            meta l4proto tcp ip saddr 169.254.7.127 counter accept
            ip daddr != 127.0.0.1/32 tcp dport != 15008 mark and 0xfff != 0x539 counter redirect to :15006
          }
          chain istio-output {
            meta l4proto tcp ip daddr 169.254.7.127 counter accept
            meta l4proto tcp mark and 0xfff == 0x111 counter accept
            oifname lo ip daddr != 127.0.0.1/32 counter accept
            meta l4proto tcp ip daddr != 127.0.0.1/32 mark and 0xfff != 0x539 counter redirect to :15001
          }
        }
        table inet istio-ambient-mangle {
          chain prerouting {
            type filter hook prerouting priority -150;
            jump istio-prerouting
          }
          chain output {
            type route hook output priority -150;
            jump istio-output
          }
          chain istio-prerouting {
            meta mark & 0xfff == 0x539 counter ct mark set ct mark & 0xfffff000 | 0x111
          }
          chain istio-output {
            ct mark and 0xfff == 0x111 counter meta mark set ct mark
          }
        }

        """;

    /// <summary>Applies them.</summary>
    /// <param name="pod">Where to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="proxyUser">User whose connections are the proxy's, for one that does not mark them.</param>
    public static async Task ApplyAsync(NetworkNamespace pod, CancellationToken cancellationToken, int? proxyUser = null)
    {
        const string Output = "chain istio-output {";
        var rules = proxyUser is { } user
            ? Rules.Replace(
                Output,
                string.Create(CultureInfo.InvariantCulture, $"{Output}\n    meta skuid {user} counter accept"),
                StringComparison.Ordinal)
            : Rules;

        await pod.IpAsync(
            [
                "route add local 0.0.0.0/0 dev lo table 100",
                "rule add fwmark 0x111/0xfff lookup 100 pref 32764",
            ],
            cancellationToken);
        (await pod.RunAsync(new ProcessSpec("nft", "-f", "-") { Input = rules }, cancellationToken)).Succeeded();
    }
}
