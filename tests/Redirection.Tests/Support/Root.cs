namespace Redirection.Tests.Support;

/// <summary>These tests change network namespaces, marks and rules, and prove nothing without the right to.</summary>
internal static class Root
{
    /// <summary>Fails the test when it cannot do its work.</summary>
    public static void Require() => Assert.True(
        Environment.IsPrivilegedProcess, "this test needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN): run it with sudo");
}
