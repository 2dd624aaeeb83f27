using System.Globalization;
using System.Numerics;
using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect.Views;

/// <summary><c>certificates</c>, in the order of the dump.</summary>
/// <param name="time">Tells what is valid now.</param>
internal sealed class CertificateView(TimeProvider time) : DumpView
{
    private const string Nothing = "NA";
    private const string NoNumber = "<nil>"; // how Go prints a number that could not be parsed
    private const int MaxSerialDigits = 1024; // RFC 5280 allows 49; the time to convert grows with the square

    private static readonly string[] TimeFormats =
    [
        "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:sszzz",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    /// <inheritdoc/>
    public override DumpSections RecordSections => DumpSections.Certificates;

    /// <inheritdoc/>
    public override DumpSections TableSections => DumpSections.Certificates;

    /// <inheritdoc/>
    public override IReadOnlyList<IDumpRecord>? Records(DumpContents dump) => dump.Certificates;

    /// <inheritdoc/>
    public override TextTable Table(DumpContents dump)
    {
        var now = time.GetUtcNow();
        var table = new TextTable(
            5, "CERTIFICATE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE");
        foreach (var certificate in dump.Certificates ?? [])
        {
            var state = certificate.State.Contains("Unavailable", StringComparison.Ordinal)
                ? "Unavailable"
                : certificate.State;
            var chain = certificate.Chain ?? [];
            var roots = certificate.Roots ?? [];
            if (chain.Count == 0)
            {
                table.Add(certificate.Identity, Nothing, state, "false", Nothing, Nothing, Nothing);
                continue;
            }

            for (var i = 0; i < chain.Count; i++)
            {
                Add(i == 0 ? "Leaf" : i == chain.Count - 1 && roots.Count == 0 ? "Root" : "Intermediate", chain[i]);
            }

            roots.ForEach(root => Add("Root", root));

            void Add(string type, IssuedRecord issued) => table.Add(
                certificate.Identity,
                type,
                state,
                IsValid(issued, now) ? "true" : "false",
                Hexadecimal(issued.SerialNumber),
                issued.ExpirationTime is "" ? Nothing : issued.ExpirationTime,
                issued.ValidFrom is "" ? Nothing : issued.ValidFrom);
        }

        return table;
    }

    private static bool IsValid(IssuedRecord issued, DateTimeOffset now) =>
        TryParse(issued.ValidFrom, out var from) && TryParse(issued.ExpirationTime, out var until)
        && now > from && now < until;

    private static bool TryParse(string text, out DateTimeOffset time) => DateTimeOffset.TryParseExact(
        text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    private static string Hexadecimal(string number) =>
        number.Length <= MaxSerialDigits
        && BigInteger.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? (value.Sign < 0 ? "-" : "") + Digits(BigInteger.Abs(value))
            : NoNumber;

    // .NET puts a zero before digits that would make the number negative.
    private static string Digits(BigInteger value) =>
        value.IsZero ? "0" : value.ToString("x", CultureInfo.InvariantCulture).TrimStart('0');
}
