namespace Ztunnel.Inspect;

/// <summary>One element of a list that is printed.</summary>
internal interface IDumpRecord
{
    /// <summary>Writes it as the next value, fields in istioctl's order.</summary>
    void WriteTo(GoJsonWriter json);
}
