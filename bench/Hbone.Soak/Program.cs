using Hbone.Soak;

return await SoakRun.RunAsync(SoakOptions.Parse(args), Console.Out);
