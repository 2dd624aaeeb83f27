using System.Globalization;
using System.Text.Json;
using Fixtures;

namespace Ztunnel.Tests.Admin;

/// <summary>The answers of the reference in recorded order: requests to /logging build on each other.</summary>
public sealed class RecordedAnswersTests
{
    [Fact]
    public async Task M8_A3_Requests_Recorded_GetTheRecordedAnswers()
    {
        await using var admin = await AdminFixture.StartAsync();
        using var recorded = JsonDocument.Parse(Fixture.Read("admin", "answers.json"));

        foreach (var exchange in recorded.RootElement.EnumerateObject().Where(exchange => !IsOurs(exchange.Name)))
        {
            var (port, method, path) = exchange.Name.Split(' ') switch
            {
                [var p, var m, var target] => (int.Parse(p, CultureInfo.InvariantCulture), m, target),
                _ => throw new InvalidDataException(exchange.Name),
            };
            var expected = Answer.Read(exchange.Value.GetString()!);

            using var response = await admin.SendAsync(port, method, path);

            Assert.Equal((exchange.Name, expected.Status), (exchange.Name, (int)response.StatusCode));
            var contentType = response.Content.Headers.ContentType?.ToString();
            Assert.Equal((exchange.Name, expected.ContentType), (exchange.Name, contentType));
            if (path is not ("/" or "/metrics" or "/stats/prometheus" or "/config_dump"))
            {
                var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                Assert.Equal((exchange.Name, expected.Body), (exchange.Name, body));
                Assert.Equal(body.Length, response.Content.Headers.ContentLength);
            }
        }
    }

    [Fact]
    public async Task Logging_TargetColonLevel_IsTakenUnlikeTheReferenceBecauseItsHelpSaysSo()
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15000, "POST", "/logging?level=ztunnel::proxy:trace");

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("hickory_server::server=off,ztunnel::proxy=trace,info", admin.Log.Filter.ToString());
    }

    private static bool IsOurs(string exchange) => exchange.EndsWith("ztunnel::proxy:trace", StringComparison.Ordinal);

    private sealed record Answer(int Status, string? ContentType, string Body)
    {
        public static Answer Read(string text)
        {
            var end = text.IndexOf("\n\n", StringComparison.Ordinal);
            var head = text[..end].Split('\n');
            var contentType = head.FirstOrDefault(line => line.StartsWith("content-type: ", StringComparison.Ordinal));
            return new Answer(
                int.Parse(head[0].Split(' ')[1], CultureInfo.InvariantCulture),
                contentType?["content-type: ".Length..],
                text[(end + 2)..]);
        }
    }
}
