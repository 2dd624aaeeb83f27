using System.Security.Cryptography;
using System.Text;
using Hbone.Tls;

namespace Hbone.Tests.Tls;

/// <summary>Revocation lists as one file.</summary>
internal static class RevocationLists
{
    public static RevocationSet SetOf(params IEnumerable<byte[]> lists) => RevocationSet.Parse(
        Encoding.ASCII.GetBytes(string.Join('\n', lists.Select(list => PemEncoding.WriteString("X509 CRL", list)))));
}
