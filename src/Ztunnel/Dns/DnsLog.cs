using System.Net;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Dns;

/// <summary>Log events of the DNS proxy, ids 7000-7099; 7000 is <see cref="DnsQueryLog"/>.</summary>
internal static partial class DnsLog
{
    [LoggerMessage(7001, LogLevel.Information, "listener established\t{Address} {Component} {Protocol}")]
    public static partial void DatagramsServed(
        this ILogger logger, IPEndPoint address, string component, string protocol);

    [LoggerMessage(7002, LogLevel.Warning, "{Problem}")]
    public static partial void DnsOptionMissing(this ILogger logger, string problem);

    [LoggerMessage(7003, LogLevel.Warning, "no name servers in the resolver configuration: only names of the mesh are answered")]
    public static partial void NoNameServers(this ILogger logger);

    [LoggerMessage(7004, LogLevel.Warning, "cannot receive on {Address}, trying again: {Error}")]
    public static partial void ReceiveFailed(this ILogger logger, IPEndPoint address, string error);

    [LoggerMessage(7005, LogLevel.Debug, "answer to {Client} not sent: {Error}")]
    public static partial void AnswerNotSent(this ILogger logger, string client, string error);

    [LoggerMessage(7006, LogLevel.Debug, "connection of {Client} closed: it has {Limit} already")]
    public static partial void TooManyConnections(this ILogger logger, string client, int limit);

    [LoggerMessage(7009, LogLevel.Warning, "no address for the hostname {Hostname} of a workload: {Failure}")]
    public static partial void HostWithoutAddress(this ILogger logger, string hostname, string failure);

    [LoggerMessage(7008, LogLevel.Error, "a query stays unanswered by a bug of this program")]
    public static partial void QueryFailedUnexpectedly(this ILogger logger, Exception exception);

    [LoggerMessage(7007, LogLevel.Information, "listener drained\t{Component} {Protocol}")]
    public static partial void DatagramsDrained(this ILogger logger, string component, string protocol);
}
