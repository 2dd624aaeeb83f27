namespace Node.Bench;

/// <summary>A peer or a load client did not do what a measurement needs; that measurement has no value.</summary>
internal sealed class BenchException(string message, Exception? innerException = null)
    : Exception(message, innerException);
