namespace Ztunnel.Telemetry;

/// <summary>Form of a log line, <c>LOG_FORMAT</c>.</summary>
internal enum LogFormat
{
    /// <summary>Tab-separated columns: time, level, target, message, fields.</summary>
    Plain,

    /// <summary>One JSON object.</summary>
    Json,
}
