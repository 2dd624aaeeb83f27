namespace Ztunnel.Demo;

/// <summary>One line of the demo's table.</summary>
/// <param name="Name">What is shown to work.</param>
/// <param name="RunAsync">
/// Does it. The answer is a short remark for the table; anything wrong is a <see cref="CheckFailedException"/> or a
/// <see cref="CommandException"/>.
/// </param>
internal sealed record DemoCheck(string Name, Func<DemoCluster, CancellationToken, Task<string>> RunAsync);
