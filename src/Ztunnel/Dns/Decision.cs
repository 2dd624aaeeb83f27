namespace Ztunnel.Dns;

/// <summary>What is done with a query.</summary>
internal enum Decision
{
    /// <summary>No answer: it is none, or it answers something.</summary>
    Ignore,

    /// <summary>The answer is there.</summary>
    Answer,

    /// <summary>It takes a while: the client is not known yet, or name servers have to be asked.</summary>
    Wait,
}
