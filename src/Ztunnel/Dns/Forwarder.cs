namespace Ztunnel.Dns;

/// <summary>
/// Asks name servers until one knows. A server that is not known to answer is asked together with the next one, so that
/// a dead one costs nothing; one that is silent or refuses is followed by the next.
/// </summary>
/// <param name="file">The servers, and the time that a query may take.</param>
/// <param name="limits">When to go on to the next server.</param>
/// <param name="time">Clock.</param>
internal sealed class Forwarder(ResolverFile file, DnsLimits limits, TimeProvider time)
{
    private const string NoServers = "no name servers are configured";

    private readonly UpstreamServers _servers = new(file.Servers, limits.Distrust, time);

    /// <summary>
    /// The first good answer; else the first bad one after all servers were asked, else why there is none. Never throws.
    /// </summary>
    public async Task<UpstreamResult> AskAsync(
        UpstreamQuery query, IUpstreamTransport transport, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(file.Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        var race = new Race(_servers, query, transport, limits.Failover, time, end.Token);
        try
        {
            return await race.RunAsync();
        }
        finally
        {
            await end.CancelAsync();
            await race.EndAsync();
        }
    }

    /// <summary>The servers that one query is asked of.</summary>
    private sealed class Race(
        UpstreamServers servers,
        UpstreamQuery query,
        IUpstreamTransport transport,
        TimeSpan failover,
        TimeProvider time,
        CancellationToken end)
    {
        private readonly int[] _order = servers.Order();
        private readonly List<(int Server, Task<UpstreamResult> Answer)> _asked = [];
        private readonly long _started = time.GetTimestamp();
        private UpstreamResult _result = UpstreamResult.Failed(NoServers);
        private int _next;

        private bool HasMore => _next < _order.Length;

        public async Task<UpstreamResult> RunAsync()
        {
            AskNext();
            if (HasMore && !servers.IsTrusted(_order[0]))
            {
                AskNext();
            }

            while (_asked.Count > 0)
            {
                if (await FirstDoneAsync() is not { } done)
                {
                    AskNext();
                    continue;
                }

                _asked.Remove(done);
                if (TakeIfFinal(done.Server, await done.Answer))
                {
                    return _result;
                }

                AskNext();
            }

            return _result;
        }

        /// <summary>Closes the sockets of those that came too late, once their token has fired.</summary>
        public async Task EndAsync()
        {
            var wasSilent = time.GetElapsedTime(_started) >= failover;
            foreach (var (server, answer) in _asked)
            {
                (await answer).Reply?.Dispose();
                if (wasSilent)
                {
                    servers.Failed(server);
                }
            }
        }

        private void AskNext()
        {
            if (HasMore && !end.IsCancellationRequested)
            {
                var server = _order[_next++];
                _asked.Add((server, transport.AskAsync(servers[server], query, end)));
            }
        }

        /// <summary>Null when it is time to ask another one.</summary>
        private async Task<(int Server, Task<UpstreamResult> Answer)?> FirstDoneAsync()
        {
            var answers = _asked.Select(asked => (Task)asked.Answer);
            if (!HasMore)
            {
                var done = await Task.WhenAny(answers);
                return _asked.Find(asked => asked.Answer == done);
            }

            using var stop = CancellationTokenSource.CreateLinkedTokenSource(end);
            var pause = Task.Delay(failover, time, stop.Token);
            var first = await Task.WhenAny(answers.Append(pause));
            await stop.CancelAsync();
            if (first == pause && !end.IsCancellationRequested)
            {
                return null;
            }

            first = first == pause ? await Task.WhenAny(answers) : first;
            return _asked.Find(asked => asked.Answer == first);
        }

        private bool TakeIfFinal(int server, UpstreamResult result)
        {
            if (result.Reply is null)
            {
                servers.Failed(server);
            }
            else
            {
                servers.Succeeded(server);
            }

            if (result.IsFinal || _result.Reply is null)
            {
                _result.Reply?.Dispose();
                _result = result;
            }
            else
            {
                result.Reply?.Dispose();
            }

            return result.IsFinal;
        }
    }
}
