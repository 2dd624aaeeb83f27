using Microsoft.AspNetCore.Http;

namespace Ztunnel.Admin;

/// <summary>Port 15021, which the kubelet asks.</summary>
internal sealed class ReadinessRequestHandler(ReadinessGate gate) : IAdminRequestHandler
{
    /// <inheritdoc/>
    public string Component => "readiness";

    /// <inheritdoc/>
    public Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path != "/healthz/ready")
        {
            return Answer.Empty(context, StatusCodes.Status404NotFound);
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            return Answer.Empty(context, StatusCodes.Status405MethodNotAllowed);
        }

        var pending = gate.Pending;
        return pending.Count == 0
            ? Answer.TextAsync(context, StatusCodes.Status200OK, "ready\n")
            : Answer.TextAsync(context, StatusCodes.Status500InternalServerError,
                $"not ready, pending: {string.Join(", ", pending)}\n");
    }
}
