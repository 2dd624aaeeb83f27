using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mesh.Scale.ControlPlane;

/// <summary>
/// The control plane as a program of its own: takes a command for each line of its input and answers with one line.
/// </summary>
internal static class ControlPlaneCommand
{
    /// <summary>The argument that starts it; then port, file for the root, workloads, services, policies.</summary>
    public const string Name = "control-plane";

    private const int MaxRequestBytes = 64 * 1024 * 1024;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var numbers = arguments.Where((_, index) => index != 1)
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        var service = new PushService();
        using var certificate = await ServerCertificate.CreateAsync(arguments[1]);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(service);
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = MaxRequestBytes);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, numbers[0], listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(certificate);
        }));
        await using var application = builder.Build();
        application.MapGrpcService<PushService>();
        await application.StartAsync();

        var pushes = new Pushes(service, new MeshSize(numbers[1], numbers[2], numbers[3]));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            await Console.Out.WriteLineAsync(await pushes.RunAsync(line.Split(' ')));
        }

        return 0;
    }
}
