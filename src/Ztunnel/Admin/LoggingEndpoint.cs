using Microsoft.AspNetCore.Http;
using Ztunnel.Telemetry;

namespace Ztunnel.Admin;

/// <summary><c>/logging</c>: shows and changes the log filter, for <c>istioctl ztunnel-config log</c>.</summary>
internal sealed class LoggingEndpoint(LogSink log)
{
    private const string Help =
        "usage: POST /logging\t\t\t\t\t\t(To list current level)\n"
        + "usage: POST /logging?level=<level>\t\t\t\t(To change global levels)\n"
        + "usage: POST /logging?level={mod1}:{level1},{mod2}:{level2}\t(To change specific mods' logging level)\n"
        + "\n"
        + "hint: loglevel:\terror|warn|info|debug|trace|off\n"
        + "hint: mod_name:\tthe module name, i.e. ztunnel::proxy\n";

    /// <summary>
    /// <c>reset</c> goes back to the filter of the start, <c>level</c> adds directives to the present one or, with
    /// <c>reset</c>, to that. Without either the filter is only shown.
    /// </summary>
    public Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            return Answer.TextAsync(context, StatusCodes.Status405MethodNotAllowed, "Invalid HTTP method\n \n" + Help);
        }

        var query = context.Request.Query;
        var filter = query.ContainsKey("reset") ? log.DefaultFilter : log.Filter;
        var level = query["level"].ToString();
        if (level != "" && !filter.TryAdd(level, out filter))
        {
            return Answer.TextAsync(
                context, StatusCodes.Status400BadRequest, $"Invalid level provided: {level}\n\n" + Help);
        }

        log.Filter = filter;
        return Answer.TextAsync(context, StatusCodes.Status200OK, $"current log level is {filter}\n");
    }
}
