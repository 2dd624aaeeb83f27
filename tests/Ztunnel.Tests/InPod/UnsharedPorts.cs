namespace Ztunnel.Tests.InPod;

/// <summary>
/// Tests that bind a port again which they have just closed, without sharing it. They run alone: a process that another test
/// starts has every descriptor of this one until it becomes its own program, and with them the port.
/// </summary>
[CollectionDefinition(nameof(UnsharedPorts), DisableParallelization = true)]
public sealed class UnsharedPorts;
