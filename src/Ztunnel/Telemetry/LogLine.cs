using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Telemetry;

/// <summary>One log line while it is put together, as UTF-8. Used by one thread at a time, again and again.</summary>
internal abstract class LogLine
{
    private const int InitialCapacity = 1024;
    private const int MaxKeptCapacity = 64 * 1024;

    /// <summary>Form of this line.</summary>
    public abstract LogFormat Format { get; }

    /// <summary>Bytes so far.</summary>
    protected ArrayBufferWriter<byte> Buffer { get; private set; } = new(InitialCapacity);

    /// <summary>The finished line with its line feed; lent until the next <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> Bytes => Buffer.WrittenSpan;

    /// <summary>An empty line of the given form.</summary>
    public static LogLine Create(LogFormat format) => format == LogFormat.Json ? new JsonLogLine() : new PlainLogLine();

    /// <summary>Starts a line; what was there is gone.</summary>
    public void Begin(DateTimeOffset time, LogLevel level, LogTarget target, string message)
    {
        if (Buffer.Capacity > MaxKeptCapacity)
        {
            Buffer = new ArrayBufferWriter<byte>(InitialCapacity);
        }

        Buffer.ResetWrittenCount();
        WriteHead(time, LogFilter.NameOf(level), target, message);
    }

    /// <summary>Adds a value that the plain form quotes.</summary>
    public abstract void AddText(string key, string value);

    /// <summary>Adds a value that the plain form does not quote: an address, a word.</summary>
    public abstract void AddBare(string key, string value);

    /// <summary>Adds a number.</summary>
    public abstract void AddNumber(string key, long value);

    /// <summary>Adds a number with a fraction.</summary>
    public abstract void AddNumber(string key, double value);

    /// <summary>Adds an address and port.</summary>
    public void AddAddress(string key, IPEndPoint value) => AddBare(key, ToText(value));

    /// <summary>Adds a value in the way of its type; null is left out.</summary>
    public void Add(string key, object? value)
    {
        switch (value)
        {
            case null:
                break;
            case IPEndPoint endPoint:
                AddAddress(key, endPoint);
                break;
            case IPAddress address:
                AddBare(key, ToText(address));
                break;
            case bool boolean:
                AddBare(key, boolean ? "true" : "false");
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                AddNumber(key, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case ulong or float or double or decimal:
                AddNumber(key, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            default:
                AddText(key, ToText(value));
                break;
        }
    }

    /// <summary>Completes the line.</summary>
    public abstract void End();

    /// <summary>A value as message texts show it, the same everywhere in the world.</summary>
    public static string ToText(object? value) => value switch
    {
        null => "(null)",
        string text => text,
        IPEndPoint endPoint => ToText(endPoint),
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable list => string.Join(", ", list.Cast<object?>().Select(ToText)),
        _ => value.ToString() ?? "",
    };

    /// <summary>Writes time, level, target and message.</summary>
    protected abstract void WriteHead(DateTimeOffset time, string level, LogTarget target, string message);

    /// <summary>RFC 3339 in UTC with six fractional digits.</summary>
    protected static int FormatTime(DateTimeOffset time, Span<byte> destination)
    {
        time.UtcDateTime.TryFormat(
            destination, out var length, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        return length;
    }

    /// <summary>Appends text as UTF-8.</summary>
    protected void Append(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, Buffer);

    private static string ToText(IPEndPoint endPoint) => endPoint.Address.IsIPv4MappedToIPv6
        ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port).ToString()
        : endPoint.ToString();
}
