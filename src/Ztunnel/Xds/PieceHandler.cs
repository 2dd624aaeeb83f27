namespace Ztunnel.Xds;

/// <summary>Puts a <see cref="PieceStream"/> in front of gRPC.</summary>
internal sealed class PieceHandler(HttpMessageHandler inner, ResponsePieces pieces, int maxMessageBytes)
    : DelegatingHandler(inner)
{
    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        var whole = response.Content;
        var content = new StreamContent(
            new PieceStream(await whole.ReadAsStreamAsync(cancellationToken), pieces, maxMessageBytes));
        foreach (var (name, values) in whole.Headers.NonValidated)
        {
            content.Headers.TryAddWithoutValidation(name, values);
        }

        response.Content = content; // trailers stay where they are, with the response
        return response;
    }
}
