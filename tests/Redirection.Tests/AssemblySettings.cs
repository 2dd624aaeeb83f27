using Xunit.Sdk;
using Xunit.v3;

// One test at a time: a child process holds copies of all open sockets from its fork until its program starts, so a listener
// that one test has closed could still take a connection of the next while a third test runs a tool.
[assembly: Parallelization(Mode = ParallelMode.None)]
