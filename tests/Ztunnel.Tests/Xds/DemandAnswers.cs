using System.Collections.Concurrent;
using Ztunnel.Mesh;
using Ztunnel.Tests.Mesh;
using Ztunnel.Xds;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Tests.Xds;

/// <summary>A control plane that answers each name as the test says, and otherwise with "no such name".</summary>
internal sealed class DemandAnswers : IAsyncDisposable
{
    private readonly MeshState _mesh;
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _answering;

    public DemandAnswers(MeshState mesh, TimeProvider time, TimeSpan timeout)
    {
        _mesh = mesh;
        Demands = new Demands(time, timeout);
        Demands.BeginStream([]);
        _answering = AnswerAsync();
    }

    public Demands Demands { get; }

    /// <summary>What each name brings.</summary>
    public ConcurrentDictionary<string, object[]> Known { get; } = [];

    /// <summary>Names that are never answered.</summary>
    public ConcurrentDictionary<string, bool> Silent { get; } = [];

    /// <summary>Every name that was asked for, in order.</summary>
    public string[] Asked => [.. _asked];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _answering;
        _stop.Dispose();
    }

    private async Task AnswerAsync()
    {
        try
        {
            await foreach (var name in Demands.Unsent.ReadAllAsync(_stop.Token))
            {
                Demands.TrySubscribe(name);
                _asked.Enqueue(name);
                if (Silent.ContainsKey(name))
                {
                    continue;
                }

                if (Known.TryGetValue(name, out var resources))
                {
                    _mesh.Update(snapshot => snapshot.With(resources));
                }

                Demands.Answer(new DecodedResponse(TypeUrls.Address, "", [], [name], 0), []);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
    }
}
