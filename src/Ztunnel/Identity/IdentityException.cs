namespace Ztunnel.Identity;

/// <summary>A certificate of our own is missing. The message is for an operator and holds no key material.</summary>
internal sealed class IdentityException(string message, Exception? innerException = null)
    : Exception(message, innerException);
