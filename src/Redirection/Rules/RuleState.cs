namespace Redirection.Rules;

/// <summary>What a pod has of the rules and the routing that it should have. Rules of others do not count.</summary>
public enum RuleState
{
    /// <summary>Nothing of ours is there.</summary>
    Absent,

    /// <summary>Exactly what should be there.</summary>
    InPlace,

    /// <summary>Something of ours, but not the same: less, more, or in another order.</summary>
    Different,
}
