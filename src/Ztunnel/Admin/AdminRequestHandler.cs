using Microsoft.AspNetCore.Http;
using Ztunnel.Admin.Profiling;
using Ztunnel.Telemetry;

namespace Ztunnel.Admin;

/// <summary>Port 15000 on loopback, which <c>istioctl</c>, Kiali and people use.</summary>
/// <param name="dump">What <c>/config_dump</c> shows.</param>
/// <param name="log">Whose filter <c>/logging</c> changes.</param>
/// <param name="profiling">Answers what is below <c>/debug/pprof/</c>.</param>
/// <param name="quit">Starts the drain; called once the answer to <c>/quitquitquit</c> is sent.</param>
internal sealed class AdminRequestHandler(
    ConfigDump dump, LogSink log, ProfilingEndpoints profiling, Action quit) : IAdminRequestHandler
{
    private const string Index = """
        <!DOCTYPE html>
        <html>
        <head><title>ztunnel admin</title></head>
        <body>
        <table border="1">
        <tr><th>endpoint</th><th>method</th><th>answer</th></tr>
        <tr><td><a href="config_dump">config_dump</a></td><td>GET</td><td>state and settings as JSON</td></tr>
        <tr><td>logging</td><td>POST</td><td>shows the log filter, or changes it: ?level=access=debug, ?reset</td></tr>
        <tr><td>quitquitquit</td><td>POST</td><td>drains and ends the process</td></tr>
        <tr><td><a href="debug/pprof/profile">debug/pprof/profile</a></td><td>GET</td>
        <td>processor time by thread, pprof: ?seconds=10</td></tr>
        <tr><td><a href="debug/pprof/heap">debug/pprof/heap</a></td><td>GET</td>
        <td>memory by kind, pprof, once switched on: debug/pprof/heap/profiling?activate=true</td></tr>
        </table>
        </body>
        </html>

        """;

    private readonly LoggingEndpoint _logging = new(log);

    /// <inheritdoc/>
    public string Component => "admin";

    /// <inheritdoc/>
    public async Task HandleAsync(HttpContext context)
    {
        var response = context.Response;
        switch (context.Request.Path.Value)
        {
            case "/":
                await Answer.TextAsync(context, StatusCodes.Status200OK, Index, "text/html; charset=utf-8");
                break;
            case "/config_dump":
                response.ContentType = "application/json";
                await dump.WriteAsync(response.Body, context.RequestAborted);
                break;
            case "/logging":
                await _logging.HandleAsync(context);
                break;
            case "/quitquitquit" when HttpMethods.IsPost(context.Request.Method):
                response.OnCompleted(() =>
                {
                    quit();
                    return Task.CompletedTask;
                });
                await Answer.TextAsync(context, StatusCodes.Status200OK, "shutdown now\n");
                break;
            case "/quitquitquit":
                await Answer.Empty(context, StatusCodes.Status405MethodNotAllowed);
                break;
            case { } path when path.StartsWith(ProfilingEndpoints.Prefix, StringComparison.Ordinal):
                await profiling.HandleAsync(context);
                break;
            default:
                await Answer.Empty(context, StatusCodes.Status404NotFound);
                break;
        }
    }
}
