using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect;

/// <summary>What was kept of a config dump, in its order. A section that is absent or was not asked for is empty.</summary>
internal sealed class DumpContents
{
    /// <summary>Workloads of the mesh.</summary>
    public List<WorkloadRecord> Workloads { get; } = [];

    /// <summary>Services of the mesh.</summary>
    public List<ServiceRecord> Services { get; } = [];

    /// <summary>Authorization policies.</summary>
    public List<PolicyRecord> Policies { get; } = [];

    /// <summary>Certificates of the proxy; null when the dump does not say.</summary>
    public List<CertificateRecord>? Certificates { get; set; }

    /// <summary>Pods that the proxy serves.</summary>
    public List<PodRecord> Pods { get; } = [];

    /// <summary>Begins a section that is not <c>null</c>.</summary>
    public void Begin(DumpSections section)
    {
        if (section is DumpSections.Certificates)
        {
            Certificates = [];
        }
    }

    /// <summary>Takes one record.</summary>
    /// <exception cref="DumpException">A field has the wrong type.</exception>
    public void Add(DumpSections section, scoped RecordReader reader)
    {
        switch (section)
        {
            case DumpSections.Workloads:
                Workloads.Add(Read(ref reader, WorkloadRecord.Fields));
                break;
            case DumpSections.Services:
                Services.Add(Read(ref reader, ServiceRecord.Fields));
                break;
            case DumpSections.Policies:
                Policies.Add(Read(ref reader, PolicyRecord.Fields));
                break;
            case DumpSections.Certificates:
                Certificates!.Add(Read(ref reader, CertificateRecord.Fields));
                break;
            case DumpSections.Pods:
                Pods.Add(Read(ref reader, PodRecord.Fields));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(section), section, "no section of records");
        }
    }

    private static T Read<T>(ref RecordReader reader, FieldMap<T> fields)
        where T : class, new() => reader.ReadObject(fields) ?? throw reader.Unexpected("an object");
}
