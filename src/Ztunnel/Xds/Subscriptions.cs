using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>
/// What outlives a stream: the resources that are held, and which types have been complete once. One stream at a time
/// uses it.
/// </summary>
internal sealed class Subscriptions(MeshState mesh, bool onDemand, ILogger logger)
{
    private readonly TaskCompletionSource _firstSync = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _wholeAnswers = [];
    private bool _hasAddresses = onDemand; // on demand there is nothing to wait for
    private bool _hasPolicies;

    /// <summary>Completes when each type was acknowledged once, and stays so.</summary>
    public Task FirstSync => _firstSync.Task;

    public HeldResources Addresses { get; } = new();

    public HeldResources Policies { get; } = new();

    /// <summary>Null for an unknown type.</summary>
    public HeldResources? Of(string typeUrl) => typeUrl switch
    {
        TypeUrls.Address => Addresses,
        TypeUrls.Authorization => Policies,
        _ => null,
    };

    /// <summary>
    /// A stream begins. Types in <paramref name="withoutClaims"/> named nothing, so that their first answer is the whole
    /// set, and what it lacks does not exist any more.
    /// </summary>
    public void BeginStream(IEnumerable<string> withoutClaims)
    {
        _wholeAnswers.Clear();
        _wholeAnswers.UnionWith(withoutClaims);
    }

    /// <summary>
    /// Whether the next answer of that type is the whole set because nothing was claimed. What is held in the same version
    /// is then as good as claimed.
    /// </summary>
    public bool AwaitsWholeAnswer(string typeUrl) => _wholeAnswers.Contains(typeUrl);

    /// <summary>Brings a response into the mesh.</summary>
    /// <returns>Text of the NACK; null for an ACK.</returns>
    public string? Apply(DecodedResponse response)
    {
        if (Of(response.TypeUrl) is not { } held)
        {
            logger.UnknownType(response.TypeUrl);
            return null;
        }

        var removed = RemovedBy(response, held);
        response.ApplyTo(mesh, removed);
        foreach (var resource in response.Resources)
        {
            // A rejected one is not noted, so that the next stream gets it again; an older version of it stays.
            if (resource.Rejection is null)
            {
                held.Set(resource.Name, resource.Version);
            }
        }

        foreach (var name in removed)
        {
            held.Remove(name);
        }

        return RejectionText.Of(response);
    }

    /// <summary>The answer to a response was sent.</summary>
    public void Acknowledged(string typeUrl)
    {
        _hasAddresses |= typeUrl == TypeUrls.Address;
        _hasPolicies |= typeUrl == TypeUrls.Authorization;
        if (_hasAddresses && _hasPolicies)
        {
            _firstSync.TrySetResult();
        }
    }

    private List<string> RemovedBy(DecodedResponse response, HeldResources held)
    {
        if (!_wholeAnswers.Remove(response.TypeUrl))
        {
            return response.Removed;
        }

        return [.. response.Removed, .. held.Except(response.Resources.Select(resource => resource.Name))];
    }
}
