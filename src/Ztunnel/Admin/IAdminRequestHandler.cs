using Microsoft.AspNetCore.Http;

namespace Ztunnel.Admin;

/// <summary>Answers all requests that come in on one of the administrative ports.</summary>
internal interface IAdminRequestHandler
{
    /// <summary>Name of the port in the log: <c>admin</c>, <c>stats</c>, <c>readiness</c>.</summary>
    string Component { get; }

    /// <summary>Answers a request. What it throws becomes status 500 with the message as text.</summary>
    Task HandleAsync(HttpContext context);
}
