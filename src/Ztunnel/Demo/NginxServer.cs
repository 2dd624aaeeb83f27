namespace Ztunnel.Demo;

/// <summary>
/// nginx in a pod: files, an echo of its caller's address and of a text, any number of short answers.
/// </summary>
internal static class NginxServer
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(10);

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="pod">Where.</param>
    /// <param name="folder">An existing folder for its configuration and logs.</param>
    /// <param name="files">What it serves below <c>/files/</c>.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public static async Task StartAsync(Pod pod, string folder, string files, CancellationToken cancellationToken)
    {
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, Configuration(folder, files), cancellationToken);
        var nginx = await pod.Namespace.StartAsync(
            new ProcessSpec("nginx", "-e", "stderr", "-p", folder, "-c", configuration));
        await nginx.WaitForListenerAsync(DemoMesh.WebPort, StartLimit, cancellationToken);
    }

    /// <summary>One process in the foreground that writes nowhere but into its folder.</summary>
    private static string Configuration(string folder, string files) => FormattableString.Invariant(
        $$"""
        daemon off;
        master_process off;
        error_log stderr warn;
        pid {{folder}}/nginx.pid;
        events { worker_connections 1024; }
        http {
          access_log off;
          sendfile on;
          client_body_temp_path {{folder}}/body;
          proxy_temp_path {{folder}}/proxy;
          fastcgi_temp_path {{folder}}/fastcgi;
          uwsgi_temp_path {{folder}}/uwsgi;
          scgi_temp_path {{folder}}/scgi;
          server {
            listen {{DemoMesh.WebPort}};
            listen [::]:{{DemoMesh.WebPort}};
            listen {{DemoMesh.DeniedPort}};
            default_type text/plain;
            location /files/ { alias {{files}}/; }
            location = /whoami { return 200 "$remote_addr\n"; }
            location = /echo { return 200 "$arg_text\n"; }
            location / { return 200 "hello from nginx\n"; }
          }
        }

        """);
}
