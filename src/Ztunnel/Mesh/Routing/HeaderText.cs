namespace Ztunnel.Mesh.Routing;

/// <summary>What of the control plane's texts can stand in a header of ours.</summary>
internal static class HeaderText
{
    /// <summary>No ASCII control character: those end a field or make it malformed (RFC 9110 section 5.5).</summary>
    public static bool IsPlain(string text)
    {
        foreach (var character in text)
        {
            if (character is < ' ' or '\x7f')
            {
                return false;
            }
        }

        return true;
    }
}
