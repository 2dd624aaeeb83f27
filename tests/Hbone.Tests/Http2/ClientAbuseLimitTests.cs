using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Servers that cost our client more than themselves (RFC 9113 section 10.5).</summary>
public sealed class ClientAbuseLimitTests : HboneClientFixture
{
    private const int Frames = 400_000;
    private const int FramesInOneWrite = 100;

    [Theory]
    [InlineData("1xx")]
    [InlineData("SETTINGS")]
    [InlineData("PING")]
    [InlineData("WINDOW_UPDATE")]
    [Requirement("9113-10.5-1", "9113-10.5-2", "9113-10.5-8", "9113-10.5-9")]
    public async Task Section105_Flood_EnhanceYourCalm(string flood)
    {
        await ConnectAsync();
        var stream = await RequestAsync();
        var frame = flood switch
        {
            "1xx" => RawFrame.Headers(stream.Id, endStream: false, (":status", "103")),
            "SETTINGS" => RawFrame.Settings(),
            "PING" => RawFrame.Ping("floodfld"),
            _ => RawFrame.WindowUpdate(stream.Id, 1),
        };
        var flooding = FloodAsync(frame);

        await Eventually.TrueAsync(() => Client.Failure is not null);

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, Client.Failure!.Code);
        await Assert.ThrowsAsync<Http2ConnectionException>(() => Client.WaitAnswerAsync(stream).AsTask());
        await flooding;
    }

    // Reads meanwhile, so that it is the flood that ends the connection and not a full queue.
    private async Task FloodAsync(byte[] frame)
    {
        var reading = Server.ReadToEndAsync();
        try
        {
            for (var sent = 0; sent < Frames && Client.Failure is null; sent += FramesInOneWrite)
            {
                await Server.SendAsync([.. Enumerable.Repeat(frame, FramesInOneWrite)]);
            }
        }
        catch (IOException)
        {
            // Closed while we were sending.
        }

        await reading;
    }
}
