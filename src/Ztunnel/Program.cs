namespace Ztunnel;

/// <summary>Entry point.</summary>
internal static class Program
{
    private static int Main()
    {
        return 0;
    }
}
