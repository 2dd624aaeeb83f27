namespace Hbone.Conformance.Exchanges;

/// <summary>What both sides do on one tunnel.</summary>
/// <param name="Index">Number in its plan; the request carries it in the header <see cref="Header"/>.</param>
/// <param name="Up">Bytes from the client.</param>
/// <param name="Down">Bytes from the server.</param>
/// <param name="Course">Who ends it and how.</param>
/// <param name="Code">Error code of a reset, or status of a refusal.</param>
internal sealed record Exchange(int Index, int Up, int Down, Course Course, int Code)
{
    public const string Header = "exchange";
}
