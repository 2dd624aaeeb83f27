using Ztunnel.Identity;

namespace Ztunnel.Tests.Identity;

public sealed class CallQueueTests
{
    [Fact]
    public void T3_Enter_OnePlace_GoesByUrgencyThenByArrival()
    {
        var queue = new CallQueue(places: 1, reserved: 0);
        var running = queue.Enter(CallPriority.Background);
        var renewal = queue.Enter(CallPriority.Background);
        var warm = queue.Enter(CallPriority.Warmup);
        var warmLater = queue.Enter(CallPriority.Warmup);
        var waiting = queue.Enter(CallPriority.RealTime);

        CallTicket[] expected = [running, waiting, warm, warmLater, renewal];

        foreach (var ticket in expected)
        {
            Assert.True(ticket.Turn.IsCompletedSuccessfully);
            Assert.Single(expected.SkipWhile(t => t != ticket), t => t.Turn.IsCompleted);
            ticket.Leave();
        }
    }

    [Fact]
    public void T3_Raise_WhileQueued_OvertakesTheOthers()
    {
        var queue = new CallQueue(places: 1, reserved: 0);
        var running = queue.Enter(CallPriority.Warmup);
        var first = queue.Enter(CallPriority.Warmup);
        var second = queue.Enter(CallPriority.Warmup);

        second.Raise(CallPriority.RealTime);
        second.Raise(CallPriority.Background); // never less urgent
        running.Leave();

        Assert.True(second.Turn.IsCompleted);
        Assert.False(first.Turn.IsCompleted);
    }

    [Fact]
    public void Enter_ReservedPlace_IsForConnectionsOnly()
    {
        var queue = new CallQueue(places: 2, reserved: 1);
        queue.Enter(CallPriority.Warmup);
        var warm = queue.Enter(CallPriority.Warmup);
        var waiting = queue.Enter(CallPriority.RealTime);

        Assert.False(warm.Turn.IsCompleted);
        Assert.True(waiting.Turn.IsCompleted);
    }

    [Fact]
    public void Leave_Twice_FreesOnePlace()
    {
        var queue = new CallQueue(places: 1, reserved: 0);
        var running = queue.Enter(CallPriority.RealTime);
        var next = queue.Enter(CallPriority.RealTime);
        var last = queue.Enter(CallPriority.RealTime);

        running.Leave();
        running.Leave();

        Assert.True(next.Turn.IsCompleted);
        Assert.False(last.Turn.IsCompleted);
    }

    [Fact]
    public void Leave_WhileQueued_LeavesTheRunningOneItsPlace()
    {
        var queue = new CallQueue(places: 1, reserved: 0);
        var running = queue.Enter(CallPriority.RealTime);
        var givesUp = queue.Enter(CallPriority.RealTime);
        var last = queue.Enter(CallPriority.RealTime);

        givesUp.Leave();

        Assert.False(givesUp.Turn.IsCompleted);
        Assert.False(last.Turn.IsCompleted);
    }
}
