using System.Globalization;
using System.Net;

namespace Ztunnel.Demo;

/// <summary>
/// Who has which address. Every topology uses the same ones: they exist only in its own namespaces, so two runs cannot
/// collide.
/// </summary>
/// <remarks>
/// <c>n</c> is a node's number, <c>i</c> a pod's number on its node, both 1 to 250:
/// node <c>10.43.0.n</c>, <c>fd43::n</c>; pod <c>10.44.n.i</c>, <c>fd44::n:i</c>; its gateway <c>10.44.n.254</c>,
/// <c>fd44::n:fffe</c>; service <c>s</c> <c>10.96.0.s</c>, <c>fd96::s</c>.
/// </remarks>
internal static class AddressPlan
{
    /// <summary>The most nodes of a topology, pods of a node and services.</summary>
    public const int Largest = 250;

    /// <summary>A node's address on the wire between the nodes.</summary>
    public static IPAddress Node4(int node) => Parse($"10.43.0.{node}");

    /// <inheritdoc cref="Node4"/>
    public static IPAddress Node6(int node) => Parse($"fd43::{node:x}");

    /// <summary>A pod's address.</summary>
    public static IPAddress Pod4(int node, int pod) => Parse($"10.44.{node}.{pod}");

    /// <inheritdoc cref="Pod4"/>
    public static IPAddress Pod6(int node, int pod) => Parse($"fd44::{node:x}:{pod:x}");

    /// <summary>The address that a node's pods have as their default gateway.</summary>
    public static IPAddress Gateway4(int node) => Parse($"10.44.{node}.254");

    /// <inheritdoc cref="Gateway4"/>
    public static IPAddress Gateway6(int node) => Parse($"fd44::{node:x}:fffe");

    /// <summary>All pods of a node.</summary>
    public static IPNetwork Pods4(int node) => new(Parse($"10.44.{node}.0"), 24);

    /// <inheritdoc cref="Pods4"/>
    public static IPNetwork Pods6(int node) => new(Parse($"fd44::{node:x}:0"), 112);

    /// <summary>
    /// A service's virtual address. Nothing routes it: captured connections to it are resolved by the proxy.
    /// </summary>
    public static IPAddress Service4(int service) => Parse($"10.96.0.{service}");

    /// <inheritdoc cref="Service4"/>
    public static IPAddress Service6(int service) => Parse($"fd96::{service:x}");

    private static IPAddress Parse(FormattableString text) =>
        IPAddress.Parse(text.ToString(CultureInfo.InvariantCulture));
}
