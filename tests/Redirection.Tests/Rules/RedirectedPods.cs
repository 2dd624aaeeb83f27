using Redirection.Rules;
using Redirection.Tests.Support;

namespace Redirection.Tests.Rules;

/// <summary>One pod per backend with all rules in place, shared by the tests of a class, which run one by one.</summary>
public sealed class RedirectedPods : IAsyncLifetime
{
    private readonly Dictionary<RuleBackend, PodPair> _pairs = [];

    public PodPair this[RuleBackend backend] => _pairs[backend];

    public async ValueTask InitializeAsync()
    {
        foreach (var backend in Enum.GetValues<RuleBackend>())
        {
            var pair = _pairs[backend] = new PodPair();
            await new InPodRulesApplier(pair.Pod, backend).ApplyAsync(new InPodRules(), CancellationToken.None);
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var pair in _pairs.Values)
        {
            pair.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}
