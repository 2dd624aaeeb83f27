namespace Node.Tests;

/// <summary>The control plane that tests start as a program.</summary>
internal static class ControlPlaneProgram
{
    /// <summary>Its executable, built beside these tests.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "ControlPlane");
}
