using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Ztunnel.Telemetry;

namespace Ztunnel.Admin;

/// <summary>Port 15020, which Prometheus scrapes. The body is OpenMetrics text whatever the caller accepts.</summary>
internal sealed class StatsRequestHandler(MetricsRegistry metrics) : IAdminRequestHandler
{
    private const string OpenMetrics = "application/openmetrics-text";

    /// <inheritdoc/>
    public string Component => "stats";

    /// <inheritdoc/>
    public async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path.Value is not ("/metrics" or "/stats/prometheus"))
        {
            await Answer.Empty(context, StatusCodes.Status404NotFound);
            return;
        }

        var response = context.Response;
        response.ContentType = AcceptsOpenMetrics(context.Request)
            ? OpenMetrics + ";charset=utf-8;version=1.0.0"
            : "text/plain; charset=utf-8";
        response.Headers.Vary = "accept-encoding";

        var encoding = ContentEncoding.Choose(context.Request.Headers.AcceptEncoding);
        if (encoding is null)
        {
            await metrics.WriteAsync(response.Body, context.RequestAborted);
            return;
        }

        response.Headers.ContentEncoding = encoding;
        await using var compressed = ContentEncoding.Compress(response.Body, encoding, CompressionLevel.Fastest);
        await metrics.WriteAsync(compressed, context.RequestAborted);
    }

    private static bool AcceptsOpenMetrics(HttpRequest request)
    {
        foreach (var header in request.Headers.Accept)
        {
            foreach (var element in (header ?? "").Split(','))
            {
                if (element.Split(';')[0].Trim().Equals(OpenMetrics, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
