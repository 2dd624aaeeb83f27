using Hbone.Memory;

namespace Hbone.Tests.Memory;

public sealed class MemoryBudgetTests
{
    [Fact]
    public void Charge_CountsInEveryBudgetAbove()
    {
        var process = new MemoryBudget(1_000);
        var pod = new MemoryBudget(500, process);
        var other = new MemoryBudget(500, process);

        pod.Charge(100);
        other.Charge(50);
        pod.Release(30);

        Assert.Equal((70, 50, 120), (pod.Used, other.Used, process.Used));
        Assert.Equal((100, 50, 150), (pod.Peak, other.Peak, process.Peak));
    }

    [Theory]
    [InlineData(250, false)]
    [InlineData(251, true)]
    public void IsTight_Connection_FromAQuarterOn(int used, bool isTight)
    {
        var connection = new MemoryBudget(10_000).OpenConnection(1_000);

        connection.Charge(used);

        Assert.Equal(isTight, connection.IsTight);
    }

    [Fact]
    public void IsTight_ParentIsHalfUsed_EverybodyIs()
    {
        var process = new MemoryBudget(1_000);
        var quiet = new MemoryBudget(500, process).OpenConnection(500);
        var busy = new MemoryBudget(900, process);

        busy.Charge(500);
        Assert.False(quiet.IsTight);
        busy.Charge(1);
        Assert.True(quiet.IsTight);
    }

    [Fact]
    public void IsOverShare_BudgetUsedUp_OnlyWhoHoldsMoreThanAnEqualPart()
    {
        var pod = new MemoryBudget(1_000);
        var hoarder = pod.OpenConnection(5_000);
        var modest = pod.OpenConnection(5_000);

        hoarder.Charge(900);
        modest.Charge(100);
        Assert.False(hoarder.IsOverShare(hoarder.Used));
        modest.Charge(1);

        Assert.True(hoarder.IsOverShare(hoarder.Used));
        Assert.False(modest.IsOverShare(modest.Used));
    }

    [Fact]
    public void CloseConnection_ItsShareGoesToTheOthers()
    {
        var pod = new MemoryBudget(1_000);
        var stays = pod.OpenConnection(5_000);
        var goes = pod.OpenConnection(5_000);
        stays.Charge(700);
        goes.Charge(400);
        Assert.True(stays.IsOverShare(stays.Used));

        goes.CloseConnection();

        Assert.Equal(1, pod.Connections);
        Assert.False(stays.IsOverShare(stays.Used));
    }

    [Fact]
    public async Task ChargeAndRelease_ManyThreads_EndAtZero()
    {
        var process = new MemoryBudget(long.MaxValue);
        var pods = Enumerable.Range(0, 4).Select(_ => new MemoryBudget(long.MaxValue, process)).ToArray();

        await Parallel.ForAsync(0, 8, (i, _) =>
        {
            for (var n = 1; n < 10_000; n++)
            {
                pods[i % 4].Charge(n);
                pods[i % 4].Release(n);
            }

            return ValueTask.CompletedTask;
        });

        Assert.Equal(0, process.Used);
        Assert.All(pods, pod => Assert.Equal(0, pod.Used));
    }
}
