using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2;

/// <summary>RFC 9113 sections 8.2, 8.3 and 8.5, for every header list.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class ConnectRequestPropertyTests
{
    [Property(MaxTest = 500)]
    public void Section8_5_LegalConnectOverTheWire_IsReadAsItWasWritten(Legal request)
    {
        var fields = NewDecoder().DecodeAll(new HpackEncoder().EncodeAll([.. request.Fields])).ToList();

        var parsed = ConnectRequest.Parse(fields);

        Assert.NotNull(parsed);
        Assert.Equal("CONNECT", parsed.Value.Method);
        Assert.Equal(request.Authority, parsed.Value.Authority);
        Assert.Equal(request.Fields.Where(f => !f.Name.StartsWith(':')), parsed.Value.Headers);
    }

    [Property(MaxTest = 1_000)]
    public void Section8_LegalConnectWithOneMistake_IsMalformed(Legal request, Mistake mistake, int at)
    {
        var fields = request.Fields;
        fields.Insert(mistake.IsPseudo ? 0 : 2 + (int)((uint)at % (uint)(fields.Count - 1)), mistake.Field);

        Assert.Null(ConnectRequest.Parse(fields));
    }

    [Property(MaxTest = 2_000)]
    public void Section8_AnyFields_LegalOrMalformed(AnyFields any)
    {
        var parsed = ConnectRequest.Parse(any.Fields);

        if (parsed is { } request)
        {
            Assert.NotEmpty(request.Method);
            Assert.Equal(any.Fields.Where(f => !f.Name.StartsWith(':')), request.Headers);
            Assert.True(request.Method != "CONNECT" || request.Authority.Length > 0);
        }
    }

    /// <summary>What any client may send.</summary>
    public sealed class Legal
    {
        private readonly HeaderField[] _headers;
        private readonly bool _authorityFirst;

        internal Legal(string authority, HeaderField[] headers, bool authorityFirst)
        {
            Authority = authority;
            _headers = headers;
            _authorityFirst = authorityFirst;
        }

        internal string Authority { get; }

        internal List<HeaderField> Fields
        {
            get
            {
                HeaderField method = new(":method", "CONNECT"), authority = new(":authority", Authority);
                return _authorityFirst ? [authority, method, .. _headers] : [method, authority, .. _headers];
            }
        }

        public override string ToString() => string.Join(' ', Fields);
    }

    /// <summary>A field that makes a request malformed.</summary>
    public sealed class Mistake
    {
        internal Mistake(string name, string value, bool isPseudo) =>
            (Field, IsPseudo) = (new HeaderField(name, value), isPseudo);

        internal HeaderField Field { get; }

        /// <summary>Wrong even in front, where pseudo headers belong; others are wrong after it.</summary>
        internal bool IsPseudo { get; }

        public override string ToString() => Field.ToString();
    }

    /// <summary>Any fields at all.</summary>
    public sealed class AnyFields
    {
        internal AnyFields(HeaderField[] fields) => Fields = [.. fields];

        internal List<HeaderField> Fields { get; }

        public override string ToString() => string.Join(' ', Fields);
    }

    public static class Generators
    {
        private static readonly Gen<string> Authority =
            from host in Gen.Elements("10.0.0.1", "[fd00::1]", "web.example.com", "WEB", "a_b", "x")
            from port in Gen.Choose(0, 70_000)
            select $"{host}:{port}";

        private static readonly Gen<HeaderField> Header =
            from name in Gen.Elements("forwarded", "baggage", "traceparent", "x-a", "a!b~c", "0")
            from value in Gen.Elements("", "for=10.0.0.1", "a b\tc", "\u00e9\u00ff", "k8s.cluster.name=x,y=z")
            select new HeaderField(name, value);

        public static Arbitrary<Legal> Legal() => Arb.From(
            from authority in Authority
            from headers in Header.ArrayOf()
            from authorityFirst in Gen.Elements(true, false)
            select new Legal(authority, headers, authorityFirst));

        public static Arbitrary<Mistake> Mistake() => Arb.From(Gen.Elements(
            new Mistake(":path", "/", isPseudo: true),
            new Mistake(":scheme", "https", isPseudo: true),
            new Mistake(":status", "200", isPseudo: true),
            new Mistake(":method", "CONNECT", isPseudo: true),
            new Mistake(":authority", "x:1", isPseudo: true),
            new Mistake("early", "regular", isPseudo: true),
            new Mistake(":path", "/", isPseudo: false),
            new Mistake("Upper", "case", isPseudo: false),
            new Mistake("", "nameless", isPseudo: false),
            new Mistake("a b", "blank", isPseudo: false),
            new Mistake("x", "line\nfeed", isPseudo: false),
            new Mistake("x", "nul\0", isPseudo: false),
            new Mistake("x", " blank", isPseudo: false),
            new Mistake("x", "tab\t", isPseudo: false),
            new Mistake("connection", "close", isPseudo: false),
            new Mistake("transfer-encoding", "chunked", isPseudo: false),
            new Mistake("te", "gzip", isPseudo: false)));

        public static Arbitrary<AnyFields> Any() => Arb.From(
            (from name in Gen.Elements(":method", ":authority", ":path", ":scheme", ":other", "a", "A", "", "te")
             from value in Gen.Elements("CONNECT", "GET", "", "10.0.0.1:80", "[", "trailers", "\0")
             select new HeaderField(name, value)).ArrayOf().Select(fields => new AnyFields(fields)));
    }
}
