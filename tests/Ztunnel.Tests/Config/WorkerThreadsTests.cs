using Ztunnel.Config;

namespace Ztunnel.Tests.Config;

/// <summary>Statements C7 and C8 of the control plane.</summary>
public class WorkerThreadsTests
{
    [Theory]
    [InlineData("4", 8, 4)]
    [InlineData("50%", 8, 4)]
    [InlineData("30%", 16, 5)]
    [InlineData("10%", 4, 1)]
    [InlineData("100%", 4, 4)]
    [InlineData("12.5%", 16, 2)]
    [InlineData("0", 8, 8)]
    [InlineData(null, 8, 2)]
    public void C7_WorkerThreads(string? threads, int cores, int expected) =>
        Assert.Equal(expected, Count(cores, null, ("ZTUNNEL_WORKER_THREADS", threads)));

    [Theory]
    [InlineData("ZTUNNEL_WORKER_THREADS", "")]
    [InlineData("ZTUNNEL_WORKER_THREADS", "-1")]
    [InlineData("ZTUNNEL_WORKER_THREADS", "0%")]
    [InlineData("ZTUNNEL_WORKER_THREADS", "101%")]
    [InlineData("ZTUNNEL_WORKER_THREADS", "%")]
    [InlineData("ZTUNNEL_WORKER_THREADS", "half")]
    [InlineData("ZTUNNEL_CPU_LIMIT", "")]
    [InlineData("ZTUNNEL_CPU_LIMIT", "0")]
    [InlineData("ZTUNNEL_CPU_LIMIT", "1.5")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_LIMIT", "")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_LIMIT", "0")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_LIMIT", "0m")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_LIMIT", "-1")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_LIMIT", "m")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_REQUEST", "1k")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_REQUEST", "99999999999")]
    public void C7_NotUnderstood_StopsTheStart(string name, string value) =>
        Assert.Equal(name, Assert.Throws<ConfigurationException>(() => Count(8, null, (name, value))).Setting);

    [Fact]
    public void C7_Concurrency_ReplacesTheDefaultOnly()
    {
        Assert.Equal(8, Count(8, concurrency: 0));
        Assert.Equal(3, Count(8, concurrency: 3));
        Assert.Equal(5, Count(8, concurrency: 3, ("ZTUNNEL_WORKER_THREADS", "5")));
    }

    [Theory]
    [InlineData("16", 16)]
    [InlineData("1", 1)]
    [InlineData("500m", 1)]
    [InlineData("2500m", 3)]
    [InlineData("1.5", 2)]
    public void C8_ResourceLimit_RoundedUp_BeatsThePlainLimit(string limit, int expected)
    {
        (string, string?)[] limits = [("ZTUNNEL_CPU_LIMIT", "32"), ("ZTUNNEL_RESOURCE_CPU_LIMIT", limit)];

        Assert.Equal(expected, Count(64, null, limits));
        Assert.Equal(expected, Count(64, null, [.. limits, ("ZTUNNEL_WORKER_THREADS", "0")]));
    }

    [Theory]
    [InlineData("32", null, null, 8)]
    [InlineData("32", null, "12", 12)]
    [InlineData("32", null, "1", 8)]
    [InlineData("4", null, "1", 2)]
    [InlineData("32", "4", "6", 6)]
    [InlineData("32", "4", "2500m", 4)]
    [InlineData("33", null, null, 9)]
    [InlineData("1", null, null, 2)]
    public void C8_DefaultCount(string cpuLimit, string? limit, string? request, int expected) =>
        Assert.Equal(
            expected,
            Count(
                64,
                null,
                ("ZTUNNEL_CPU_LIMIT", cpuLimit),
                ("ZTUNNEL_RESOURCE_CPU_LIMIT", limit),
                ("ZTUNNEL_RESOURCE_CPU_REQUEST", request)));

    private static int Count(int cores, ushort? concurrency, params (string Name, string? Value)[] variables)
    {
        var environment = variables
            .Where(variable => variable.Value is not null)
            .ToDictionary(variable => variable.Name, variable => variable.Value!);
        return WorkerThreads.Count(new EnvironmentReader(environment), concurrency, cores);
    }
}
