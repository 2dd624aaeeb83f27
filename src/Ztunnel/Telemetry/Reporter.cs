namespace Ztunnel.Telemetry;

/// <summary>Whose proxy tells of a connection.</summary>
internal enum Reporter
{
    /// <summary>The proxy of the pod that connects.</summary>
    Source,

    /// <summary>The proxy of the pod that is connected to.</summary>
    Destination,
}

/// <summary>Spellings of <see cref="Reporter"/>.</summary>
internal static class ReporterExtensions
{
    /// <summary>The value of label <c>reporter</c>.</summary>
    public static string ToLabel(this Reporter reporter) => reporter == Reporter.Source ? "source" : "destination";

    /// <summary>The value of <c>direction</c> in the access log.</summary>
    public static string ToDirection(this Reporter reporter) => reporter == Reporter.Source ? "outbound" : "inbound";
}
