using System.Text;
using Microsoft.AspNetCore.Http;

namespace Ztunnel.Admin;

/// <summary>Short answers.</summary>
internal static class Answer
{
    /// <summary>An answer of plain text.</summary>
    public static Task TextAsync(HttpContext context, int status, string text, string? contentType = "text/plain")
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, 0, bytes.Length, context.RequestAborted);
    }

    /// <summary>An answer without body.</summary>
    public static Task Empty(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }
}
