using System.Text;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Telemetry;

/// <summary>A log sink whose lines the test reads.</summary>
internal sealed class LogCapture : IDisposable
{
    private readonly MemoryStream _output = new();

    public LogCapture(LogFormat format, string filter = "trace") =>
        Sink = new LogSink(_output, format, LogFilter.Parse(filter), Time);

    public ManualTime Time { get; } = new();

    public LogSink Sink { get; }

    /// <summary>Everything that was logged; ends the log.</summary>
    public string[] Lines()
    {
        Sink.Dispose();
        return Encoding.UTF8.GetString(_output.ToArray()).Split('\n') is [.. var lines, ""]
            ? lines
            : throw new InvalidDataException("the last line is not complete");
    }

    public void Dispose() => Sink.Dispose();
}
