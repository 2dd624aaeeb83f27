using Ztunnel.Mesh.Routing;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 2.4, 4.6 and item 10 of its section 14.</summary>
public sealed class TraceParentTests
{
    private const string Valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    [Fact]
    public void Text_RoundTrips()
    {
        Assert.Equal(Valid, TraceParent.TryParse(Valid)?.ToString());
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", TraceParent.TryParse(Valid)?.TraceIdText);
    }

    [Fact]
    public void Create_IsValidAndNew()
    {
        var first = TraceParent.Create(Random.Shared);

        Assert.Equal(first, TraceParent.TryParse(first.ToString()));
        Assert.NotEqual(first, TraceParent.Create(Random.Shared));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-000")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g")]
    [InlineData("0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473-000f067aa0ba902b7-00")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736000f067aa0ba902b7-00")]
    [InlineData("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]
    [InlineData("00- bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]
    public void AnythingElse_IsNone(string? text) => Assert.Null(TraceParent.TryParse(text));

    [Fact]
    public void EveryFieldOfTheRightLength_NoDashes_IsNone() => Assert.Null(TraceParent.TryParse(new string('0', 55)));
}
