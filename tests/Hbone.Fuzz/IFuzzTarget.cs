namespace Hbone.Fuzz;

/// <summary>Something that reads a peer's octets.</summary>
internal interface IFuzzTarget
{
    /// <summary>As on the command line.</summary>
    string Name { get; }

    /// <summary>Where its inputs come from.</summary>
    Mutator Mutator { get; }

    /// <summary>Reads one input to the end, whatever it is. Everything beside the input follows from its
    /// octets.</summary>
    /// <exception cref="FuzzFailure">Something does not hold that has to.</exception>
    void Run(byte[] input);
}

/// <summary>An input that does harm.</summary>
internal sealed class FuzzFailure(string message) : Exception(message);
