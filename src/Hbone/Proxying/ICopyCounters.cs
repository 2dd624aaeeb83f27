namespace Hbone.Proxying;

/// <summary>Counts payload as it is delivered. Called by one copy loop for each direction.</summary>
public interface ICopyCounters
{
    /// <summary>Bytes from the client were taken by the server's side.</summary>
    void AddReceived(long bytes);

    /// <summary>Bytes from the server were taken by the client's side.</summary>
    void AddSent(long bytes);
}
