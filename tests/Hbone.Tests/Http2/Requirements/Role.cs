namespace Hbone.Tests.Http2.Requirements;

/// <summary>The side of a connection that a requirement binds, or that a test has as its subject.</summary>
[Flags]
public enum Role
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>The side that opens streams.</summary>
    Client = 1,

    /// <summary>The side that answers.</summary>
    Server = 2,

    /// <summary>Either side.</summary>
    Both = Client | Server,
}
