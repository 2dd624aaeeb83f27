using Google.Protobuf;
using Ztunnel.Protos.Discovery;

namespace Mesh.Scale.ControlPlane;

/// <summary>A response, encoded before it is needed, so that making it takes no part in what is measured.</summary>
internal sealed class EncodedPush
{
    private static int _lastNonce;

    public EncodedPush(string typeUrl, IEnumerable<Resource> resources, IEnumerable<string> removed)
    {
        Nonce = $"{Interlocked.Increment(ref _lastNonce)}";
        var response = new DeltaDiscoveryResponse { TypeUrl = typeUrl, Nonce = Nonce };
        response.Resources.Add(resources);
        response.RemovedResources.Add(removed);
        Bytes = response.ToByteArray();
    }

    public string Nonce { get; }

    public byte[] Bytes { get; }
}
