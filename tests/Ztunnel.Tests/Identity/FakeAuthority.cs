using System.Threading.Channels;
using Hbone.Tls;
using Ztunnel.Identity;

namespace Ztunnel.Tests.Identity;

/// <summary>A CA whose every answer is given by the test.</summary>
internal sealed class FakeAuthority : ICertificateAuthority
{
    private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();

    private int _callCount;

    public int CallCount => Volatile.Read(ref _callCount);

    public Task<WorkloadCertificate> IssueAsync(SpiffeId identity, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _callCount);
        var call = new Call(identity);
        _calls.Writer.TryWrite(call);
        return call.Answer.Task;
    }

    public ValueTask<Call> NextCallAsync() => _calls.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public void Dispose()
    {
    }

    public sealed record Call(SpiffeId Identity)
    {
        public TaskCompletionSource<WorkloadCertificate> Answer { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public WorkloadCertificate Succeed(DateTimeOffset notBefore, DateTimeOffset notAfter)
        {
            var certificate = TestCertificates.Issue(Identity, notBefore, notAfter);
            Answer.SetResult(certificate);
            return certificate;
        }

        public void Fail(string message) => Answer.SetException(new IdentityException(message));
    }
}
