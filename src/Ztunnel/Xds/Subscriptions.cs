using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>
/// What outlives a stream: the resources that are held, and which types have been complete once. One stream at a time
/// uses it.
/// </summary>
internal sealed class Subscriptions(MeshState mesh, bool onDemand, TimeProvider time, ILogger logger)
{
    private readonly TaskCompletionSource _firstSync = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _wholeAnswers = [];
    private readonly bool _onDemand = onDemand;
    private bool _hasAddresses = onDemand; // on demand there is nothing to wait for
    private bool _hasPolicies;

    // Of the stream that is open.
    private bool _addressesAnswered;
    private bool _policiesAnswered;

    // Read by other threads: whether the open stream has answered for each type, and when the one before it ended.
    private volatile bool _isConfirmed;
    private long _confirmedUntil;

    /// <summary>Completes when each type was acknowledged once, and stays so.</summary>
    public Task FirstSync => _firstSync.Task;

    public HeldResources Addresses { get; } = new();

    public HeldResources Policies { get; } = new();

    /// <summary>
    /// When the control plane last stood behind what is held: now, while there is a stream on which it has answered for
    /// each type. Null before the first.
    /// </summary>
    public DateTimeOffset? ConfirmedAt
    {
        get
        {
            if (_isConfirmed)
            {
                return time.GetUtcNow();
            }

            var ticks = Volatile.Read(ref _confirmedUntil);
            return ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
        }
    }

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
        (_addressesAnswered, _policiesAnswered) = (false, false);
    }

    /// <summary>The stream is over.</summary>
    public void EndStream()
    {
        if (_isConfirmed)
        {
            Volatile.Write(ref _confirmedUntil, time.GetUtcNow().UtcTicks);
            _isConfirmed = false;
        }
    }

    /// <summary>
    /// Resources are in the mesh already, from an earlier process. Their names are claimed without versions: the control
    /// plane sends all of them again, and names as removed what is gone.
    /// </summary>
    public void Resume(IEnumerable<string> addresses, IEnumerable<string> policies)
    {
        foreach (var name in addresses)
        {
            Addresses.Ask(name);
        }

        foreach (var name in policies)
        {
            Policies.Ask(name);
        }
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

    /// <summary>A response is in the mesh, as far as it could be used.</summary>
    public void Answered(string typeUrl)
    {
        _addressesAnswered |= typeUrl == TypeUrls.Address;
        _policiesAnswered |= typeUrl == TypeUrls.Authorization;
        _isConfirmed = _policiesAnswered && (_addressesAnswered || _onDemand);
    }

    /// <summary>The answer to a response was sent, and was an ACK.</summary>
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
