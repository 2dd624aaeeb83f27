using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// The server as a process of its own: prints its address, then answers each line of its input with a reading
/// (<c>rest</c>: after everybody has left; <c>collected</c>: without garbage), until the input ends.
/// </summary>
internal static class ServeCommand
{
    public const string Now = "now";
    public const string AtRest = "rest";
    public const string Collected = "collected";

    public static async Task<int> RunAsync(
        string certificate, string key, string authority, TextReader input, TextWriter output)
    {
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(authority);
        await using var server = new SoakServer(
            new WorkloadCertificate(X509Certificate2.CreateFromPemFile(certificate, key), [], roots));
        await output.WriteLineAsync(server.Address.ToString());
        while (await input.ReadLineAsync() is { } line)
        {
            if (line == Collected)
            {
                ServerReading.Collect();
            }

            var reading = line == AtRest ? await ServerReading.AtRestAsync(server) : ServerReading.Of(server);
            await output.WriteLineAsync(reading.ToLine());
        }

        return 0;
    }
}
