using Microsoft.Extensions.Logging;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

public sealed class LogFilterTests
{
    [Theory]
    [InlineData("info", "access", LogLevel.Information)]
    [InlineData("off", "access", LogLevel.None)]
    [InlineData("access=debug,info", "access", LogLevel.Debug)]
    [InlineData("access=debug,info", "Ztunnel.Proxy.Inbound", LogLevel.Information)]
    [InlineData("access=debug", "Ztunnel.Proxy.Inbound", LogLevel.None)]
    [InlineData("proxy=error,proxy::inbound=trace,warn", "Ztunnel.Proxy.Inbound", LogLevel.Trace)]
    [InlineData("proxy=error,proxy::inbound=trace,warn", "Ztunnel.Proxy.Outbound", LogLevel.Error)]
    [InlineData("ztunnel::proxy=debug,warn", "Ztunnel.Proxy.Outbound", LogLevel.Debug)]
    [InlineData("ztunnel=debug,warn", "Hbone.Pool.HbonePool", LogLevel.Warning)]
    [InlineData("access:debug,ztunnel::proxy:trace,WARN", "Ztunnel.Proxy.Outbound", LogLevel.Trace)]
    [InlineData(" info , access=off ,", "access", LogLevel.None)]
    [InlineData("info,debug", "access", LogLevel.Debug)]
    [InlineData("", "access", LogLevel.None)]
    public void MinimumFor_LongestMatchingTarget_Decides(string filter, string category, LogLevel expected)
    {
        Assert.Equal(expected, LogFilter.Parse(filter).MinimumFor(LogTarget.FromCategory(category)));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("access=loud")]
    [InlineData("=info")]
    [InlineData("access=")]
    [InlineData("ztunnel::info")]
    [InlineData("info,access")]
    public void Parse_BadDirective_IsNamed(string filter)
    {
        var error = Assert.Throws<FormatException>(() => LogFilter.Parse(filter));

        Assert.Contains(filter.Split(',')[^1], error.Message, StringComparison.Ordinal);
        Assert.False(LogFilter.Parse("info").TryAdd(filter, out _));
    }

    [Theory]
    [InlineData(null, "hickory_server::server=off,info")]
    [InlineData("", "hickory_server::server=off,info")]
    [InlineData("debug", "hickory_server::server=off,debug")]
    [InlineData("access=off,warn", "hickory_server::server=off,access=off,warn")]
    public void FromEnvironment_Value_FollowsTheForcedDirective(string? value, string expected)
    {
        Assert.Equal(expected, LogFilter.FromEnvironment(value).ToString());
    }

    [Fact]
    public void TryAdd_Directives_ReplaceThoseOfTheSameTarget()
    {
        var filter = LogFilter.Parse("access=debug,info");

        Assert.True(filter.TryAdd("warn,dns=trace,access=off", out var added));

        Assert.Equal("access=off,dns=trace,warn", added.ToString());
        Assert.Equal("access=debug,info", filter.ToString());
    }

    [Theory]
    [InlineData("Ztunnel.Proxy.OutboundProxy", "proxy::outbound_proxy", "ztunnel::proxy::outbound_proxy")]
    [InlineData("Hbone.Http2.Http2Connection", "hbone::http2::http2_connection", "hbone::http2::http2_connection")]
    [InlineData("Ztunnel.Xds.XDSClient", "xds::xds_client", "ztunnel::xds::xds_client")]
    [InlineData("access", "access", "access")]
    [InlineData("Ztunnel", "ztunnel", "ztunnel")]
    public void Target_OfCategory_IsItsWords(string category, string name, string scope)
    {
        Assert.Equal(new LogTarget(name, scope), LogTarget.FromCategory(category));
    }
}
