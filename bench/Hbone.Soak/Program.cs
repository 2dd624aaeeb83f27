using Hbone.Soak;
using Redirection;

// As the proxy does at its start.
NativeHeap.TryLimitArenas(2);
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "2");
return args switch
{
    ["idle"] => await IdleMemory.RunAsync(Console.Out),
    ["serve", var certificate, var key, var authority] =>
        await ServeCommand.RunAsync(certificate, key, authority, Console.In, Console.Out),
    _ => await SoakRun.RunAsync(SoakOptions.Parse(args), Console.Out),
};
