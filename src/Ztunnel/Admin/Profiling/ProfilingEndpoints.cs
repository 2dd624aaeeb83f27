using System.Globalization;
using Hbone.Memory;
using Microsoft.AspNetCore.Http;

namespace Ztunnel.Admin.Profiling;

/// <summary><c>/debug/pprof/</c>: profiles that <c>go tool pprof</c> and its like read.</summary>
/// <param name="buffers">Budget of the process.</param>
/// <param name="time">Clock of the profiles.</param>
internal sealed class ProfilingEndpoints(MemoryBudget buffers, TimeProvider time)
{
    /// <summary>What all paths begin with.</summary>
    public const string Prefix = "/debug/pprof/";

    private const int MaxSeconds = 300;
    private const int DefaultSeconds = 10;
    private const int MaxFrequency = 1000;
    private const int DefaultFrequency = 100;
    private const string Inactive =
        "heap profiling not active; activate with /debug/pprof/heap/profiling?activate=true";

    private volatile bool _heapActive;

    /// <summary>Answers a request whose path has the prefix.</summary>
    public Task HandleAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/debug/pprof/profile" => CpuAsync(context),
        "/debug/pprof/heap" => HeapAsync(context),
        "/debug/pprof/heap/profiling" => SwitchAsync(context),
        _ => Answer.Empty(context, StatusCodes.Status404NotFound),
    };

    // The frequency is that of a sampler; we have none and count everything, but a bad value is a mistake all the same.
    private async Task CpuAsync(HttpContext context)
    {
        if (!TryReadNumber(context, "seconds", DefaultSeconds, MaxSeconds, out var seconds)
            || !TryReadNumber(context, "frequency", DefaultFrequency, MaxFrequency, out _))
        {
            await Answer.TextAsync(
                context,
                StatusCodes.Status400BadRequest,
                $"invalid parameters: seconds must be 1 to {MaxSeconds}, frequency 1 to {MaxFrequency}\n");
            return;
        }

        await SendAsync(
            context, await CpuProfile.TakeAsync(TimeSpan.FromSeconds(seconds), time, context.RequestAborted));
    }

    private Task HeapAsync(HttpContext context) => _heapActive
        ? SendAsync(context, HeapProfile.Write(time.GetUtcNow(), MemoryUse.Read(buffers)))
        : Answer.TextAsync(context, StatusCodes.Status500InternalServerError, Inactive, contentType: null);

    // Reading costs nothing while nobody asks; there is a switch because callers know one.
    private Task SwitchAsync(HttpContext context)
    {
        switch (context.Request.Query["activate"].ToString())
        {
            case "true":
                _heapActive = true;
                return Answer.TextAsync(context, StatusCodes.Status200OK, "heap profiling activated\n");
            case "false":
                _heapActive = false;
                return Answer.TextAsync(context, StatusCodes.Status200OK, "heap profiling deactivated\n");
            default:
                return Answer.TextAsync(
                    context, StatusCodes.Status400BadRequest, "invalid parameter: activate must be true or false\n");
        }
    }

    private static Task SendAsync(HttpContext context, byte[] profile)
    {
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = profile.Length;
        return context.Response.Body.WriteAsync(profile, 0, profile.Length, context.RequestAborted);
    }

    private static bool TryReadNumber(HttpContext context, string name, int defaultValue, int max, out int value)
    {
        value = defaultValue;
        return !context.Request.Query.TryGetValue(name, out var text)
            || (int.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out value)
                && value >= 1 && value <= max);
    }
}
