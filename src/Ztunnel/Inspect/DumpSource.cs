using System.Net;
using System.Text;

namespace Ztunnel.Inspect;

/// <summary>Where a config dump comes from: the admin server of a proxy, a file, or standard input.</summary>
/// <param name="admin">Address of the admin server; its path is <c>/config_dump</c> unless it has one.</param>
/// <param name="file">Path of a file instead, <c>-</c> for standard input.</param>
/// <param name="time">For <see cref="DumpReader.Patience"/>, which the answer of the server may take, too.</param>
internal sealed class DumpSource(Uri admin, string? file, TimeProvider time)
{
    private const string StandardInput = "-";
    private const int MaxReasonLength = 200; // bytes of an error page that are shown

    private readonly Uri _url = admin.AbsolutePath == "/" ? new Uri(admin, "/config_dump") : admin;

    /// <summary>For error messages.</summary>
    public string Name => file is null ? _url.ToString() : file == StandardInput ? "standard input" : file;

    /// <summary>Reads the dump.</summary>
    /// <exception cref="DumpException">There is none, or it cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<DumpContents> ReadAsync(DumpSections wanted, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return await ReadUrlAsync(wanted, cancellationToken);
        }

        await using var stream = file == StandardInput
            ? Console.OpenStandardInput()
            : await OpenFileAsync(file, cancellationToken);
        return await new DumpReader(stream, wanted, time, DumpLimits.Default).ReadAsync(cancellationToken);
    }

    private async Task<DumpContents> ReadUrlAsync(DumpSections wanted, CancellationToken cancellationToken)
    {
        // The admin server is on this machine: no proxy of the environment stands before it, and it sends nobody elsewhere.
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        using var response = await AskAsync(client, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        if (response.StatusCode is not HttpStatusCode.OK)
        {
            throw new DumpException(
                $"answered {(int)response.StatusCode} {TextTable.Printable(response.ReasonPhrase ?? "")}"
                + await ReasonAsync(body, cancellationToken));
        }

        return await new DumpReader(body, wanted, time, DumpLimits.Default).ReadAsync(cancellationToken);
    }

    private async Task<HttpResponseMessage> AskAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAsync(_url, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .WaitAsync(DumpReader.Patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new DumpException($"no answer within {DumpReader.Patience.TotalSeconds:0} s");
        }
        catch (HttpRequestException e)
        {
            throw new DumpException(e.InnerException is IOException inner ? inner.Message : e.Message);
        }
    }

    // What an error page begins with, because it says what is wrong; nothing when it does not come at once.
    private async Task<string> ReasonAsync(Stream body, CancellationToken cancellationToken)
    {
        try
        {
            var buffer = new byte[MaxReasonLength];
            var length = await body.ReadAsync(buffer, cancellationToken).AsTask()
                .WaitAsync(DumpReader.Patience, time, cancellationToken);
            var line = Encoding.UTF8.GetString(buffer, 0, length).Split('\n')[0].Trim();
            return line.Length == 0 ? "" : $": {TextTable.Printable(line)}";
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return "";
        }
    }

    // A pipe without a writer does not open, so this can take any time; what is left behind ends with the process.
    private static async Task<Stream> OpenFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run<Stream>(() => File.OpenRead(path), cancellationToken).WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DumpException("there is no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DumpException(Directory.Exists(path) ? "is a directory" : e.Message);
        }
    }
}
