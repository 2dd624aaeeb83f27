using Hbone.Fuzz;

try
{
    return FuzzRun.Run(FuzzOptions.Parse(args));
}
catch (FuzzOptionException e)
{
    Console.Error.WriteLine($"{e.Message}\n{FuzzOptions.Usage}");
    return 2;
}
