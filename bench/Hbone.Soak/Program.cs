using Hbone.Soak;
using Redirection;

// As the proxy does at its start.
NativeHeap.TryLimitArenas(2);
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "2");
return args is ["idle"]
    ? await IdleMemory.RunAsync(Console.Out)
    : await SoakRun.RunAsync(SoakOptions.Parse(args), Console.Out);
