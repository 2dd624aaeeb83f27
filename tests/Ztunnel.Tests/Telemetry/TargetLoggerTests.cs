using System.Net;
using Microsoft.Extensions.Logging;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

public sealed partial class TargetLoggerTests
{
    private const string Time = "2026-08-20T12:00:00.000000Z";

    [Fact]
    public void Plain_PlaceholdersAfterTheTab_AreFieldsOnly()
    {
        Assert.Equal(
            $"{Time}\tinfo\tproxy::inbound\tlistener established\t"
            + "address=[::]:15008 component=\"inbound plaintext\" transparent=false",
            Log(LogFormat.Plain, logger =>
                ListenerEstablished(logger, IPEndPoint.Parse("[::]:15008"), "inbound plaintext", false)));
    }

    [Fact]
    public void Json_PlaceholdersAfterTheTab_AreFieldsOnly()
    {
        Assert.Equal(
            $$"""{"level":"info","time":"{{Time}}","scope":"ztunnel::proxy::inbound",""" + "\""
            + """message":"listener established","address":"127.0.0.1:1","component":"ü \"x\"","transparent":"true"}""",
            Log(LogFormat.Json, logger =>
                ListenerEstablished(logger, IPEndPoint.Parse("127.0.0.1:1"), "ü \"x\"", true)));
    }

    [Fact]
    public void Plain_PlaceholdersBeforeTheTab_AreShownThereToo()
    {
        Assert.Equal(
            $"{Time}\twarn\tproxy::inbound\tno answer from 10.0.0.1:15008 in 1.50 s\t"
            + "hbone_target=10.0.0.1:15008 wait_seconds=1.5 attempt=3",
            Log(LogFormat.Plain, logger => NoAnswer(logger, IPEndPoint.Parse("[::ffff:10.0.0.1]:15008"), 1.5, 3)));
    }

    [Fact]
    public void Plain_TextWithoutValues_EndsWithTheTab()
    {
        Assert.Equal($"{Time}\tinfo\tproxy::inbound\tready\t", Log(LogFormat.Plain, Ready));
    }

    [Theory]
    [InlineData("tab\tquote\"back\\slash\n\r\0", @"tab\tquote\""back\\slash\n\r\0")]
    [InlineData("\u001b[31m\u007f\u200b\u00a0", @"\u{1b}[31m\u{7f}\u{200b}\u{a0}")]
    [InlineData("e\u0301 äß€ \U0001F600", "e\\u{301} äß€ \U0001F600")]
    [InlineData("it's", "it's")]
    public void Plain_Strings_AreEscapedLikeRust(string value, string expected)
    {
        Assert.EndsWith($"component=\"{expected}\" transparent=true", Log(LogFormat.Plain, logger =>
            ListenerEstablished(logger, IPEndPoint.Parse("127.0.0.1:1"), value, true)), StringComparison.Ordinal);
    }

    [Fact]
    public void Plain_HalfACharacter_IsReplaced()
    {
        var line = Log(LogFormat.Plain, logger =>
            ListenerEstablished(logger, IPEndPoint.Parse("127.0.0.1:1"), "half" + '\ud83d', true));

        Assert.EndsWith(@"component=""half\u{fffd}"" transparent=true", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Plain_LineFeedInTheMessage_StaysOneLine()
    {
        Assert.Equal($"{Time}\terror\tproxy::inbound\tgot a\\nb\tpeer_text=\"a\\nb\"",
            Log(LogFormat.Plain, logger => Got(logger, "a\nb")));
    }

    [Fact]
    public void Exception_IsAFieldOnTheSameLine()
    {
        var line = Log(LogFormat.Plain, logger => Broken(logger, new InvalidOperationException("bug")));

        Assert.StartsWith(
            $"{Time}\terror\tproxy::inbound\tbroken\texception=\"System.InvalidOperationException: bug",
            line, StringComparison.Ordinal);
    }

    [Fact]
    public void Filter_ReplacedAtRunTime_TakesEffect()
    {
        using var log = new LogCapture(LogFormat.Plain, "warn");
        var logger = log.Sink.CreateLogger("Ztunnel.Proxy.Inbound");

        Ready(logger);
        log.Sink.Filter = LogFilter.Parse("proxy=info");
        Ready(logger);
        log.Sink.Filter = log.Sink.DefaultFilter;
        Ready(logger);

        Assert.Single(log.Lines());
    }

    [Fact]
    public void Value_ThatLogsItself_LeavesBothLinesWhole()
    {
        using var log = new LogCapture(LogFormat.Plain);
        var logger = log.Sink.CreateLogger("Ztunnel.Proxy.Inbound");

        Chatty(logger, new Chatterer(() => Ready(logger)));

        Assert.Equal(
            [$"{Time}\tinfo\tproxy::inbound\tready\t", $"{Time}\tinfo\tproxy::inbound\tchatty\tvalue=\"said\""],
            log.Lines());
    }

    private static string Log(LogFormat format, Action<ILogger> act)
    {
        using var log = new LogCapture(format);
        act(log.Sink.CreateLogger("Ztunnel.Proxy.Inbound"));
        return Assert.Single(log.Lines());
    }

    [LoggerMessage(1, LogLevel.Information, "listener established\t{Address} {Component} {Transparent}")]
    private static partial void ListenerEstablished(
        ILogger logger, IPEndPoint address, string component, bool transparent);

    [LoggerMessage(2, LogLevel.Warning, "no answer from {HboneTarget} in {WaitSeconds:0.00} s\t{Attempt}")]
    private static partial void NoAnswer(ILogger logger, IPEndPoint hboneTarget, double waitSeconds, int attempt);

    [LoggerMessage(3, LogLevel.Information, "ready")]
    private static partial void Ready(ILogger logger);

    [LoggerMessage(4, LogLevel.Error, "got {PeerText}")]
    private static partial void Got(ILogger logger, string peerText);

    [LoggerMessage(5, LogLevel.Error, "broken")]
    private static partial void Broken(ILogger logger, Exception exception);

    [LoggerMessage(6, LogLevel.Information, "chatty\t{Value}")]
    private static partial void Chatty(ILogger logger, Chatterer value);

    internal sealed class Chatterer(Action talk)
    {
        public override string ToString()
        {
            talk();
            return "said";
        }
    }
}
