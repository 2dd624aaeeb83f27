namespace Ztunnel.Tests.Inspect;

public sealed class HostileTextTests
{
    [Fact]
    public async Task Table_ControlCharacters_AreEscaped() => Assert.Equal(
        """
        NAMESPACE POD NAME                                                ADDRESS NODE WAYPOINT PROTOCOL
                  \u001b[2Jline\u000abreak\u0009tab\u007f\u009b\u202eback              None     

        """.ReplaceLineEndings("\n"),
        await Inspecting.ShowTextAsync(
            """{"workloads":[{"name":"\u001b[2Jline\nbreak\ttab\u007f\u009b\u202eback"}]}""", "workloads"));

    [Fact]
    public async Task Table_WideCharacters_CountAsCodePoints() => Assert.Equal(
        "NAMESPACE  POLICY NAME ACTION SCOPE\n"
        + "a          b                  \n"
        + "😀😀😀😀😀😀😀😀😀😀 ü                  \n",
        await Inspecting.ShowTextAsync(
            """{"policies":[{"namespace":"😀😀😀😀😀😀😀😀😀😀","name":"ü"},{"namespace":"a","name":"b"}]}""", "policies"));

    [Fact]
    public async Task Json_SpecialCharacters_AreEscapedAsGoDoes() => Assert.Contains(
        """
        "name": "\u003ca\u003e\u0026\"\\/\b\f\n\r\t\u001f\u2028\u2029
        """.Trim() + "\u007f\u202eü😀'+`\",",
        await Inspecting.ShowTextAsync(
            """{"policies":[{"name":"<a>&\"\\\/\b\f\n\r\t\u001f\u2028\u2029\u007f\u202eü😀'+`"}]}""", "policies", "-o", "json"),
        StringComparison.Ordinal);

    [Fact]
    public async Task Json_AbsentLists_AreNull() => Assert.Equal(
        """
        [
            {
                "name": "",
                "namespace": "",
                "hostname": "",
                "vips": null,
                "ports": null,
                "endpoints": {
                    "a<": {
                        "workloadUid": "",
                        "service": "",
                        "port": null
                    },
                    "b": {
                        "workloadUid": "",
                        "service": "",
                        "address": "x",
                        "port": {
                            "100": 2,
                            "80": 1
                        }
                    }
                },
                "ipFamilies": "",
                "visibility": ""
            }
        ]

        """.ReplaceLineEndings("\n").Replace("a<", "a\\u003c", StringComparison.Ordinal),
        await Inspecting.ShowTextAsync(
            """{"services":[{"endpoints":{"b":{"address":"x","port":{"80":1,"100":2}},"a<":null},"canonical":false}]}""",
            "services",
            "-o",
            "json"));

    [Fact]
    public async Task Json_NoCertificates_IsNull()
    {
        Assert.Equal("null\n", await Inspecting.ShowTextAsync("""{"workloads":[]}""", "certificates", "-o", "json"));
        Assert.Equal("null\n", await Inspecting.ShowTextAsync("""{"workloads":[]}""", "certificates", "-o", "yaml"));
        Assert.Equal("[]\n", await Inspecting.ShowTextAsync("""{"certificates":[]}""", "certificates", "-o", "json"));
    }

    [Theory]
    [InlineData("", "<nil>")]
    [InlineData("0x10", "<nil>")]
    [InlineData("1_0", "<nil>")]
    [InlineData(" 1", "<nil>")]
    [InlineData("0", "0")]
    [InlineData("+0128", "80")]
    [InlineData("-255", "-ff")]
    [InlineData("340282366920938463463374607431768211455", "ffffffffffffffffffffffffffffffff")]
    public async Task CertificateTable_SerialNumber_IsHexadecimal(string serial, string shown)
    {
        var table = await Inspecting.ShowTextAsync(
            $$"""{"certificates":[{"identity":"i","certChain":[{"serialNumber":"{{serial}}","validFrom":"soon"}]}]}""",
            "certificates");

        Assert.Equal(
            ["i", "Leaf", "false", shown, "NA", "soon"],
            table.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task CertificateTable_ChainsAndStates_AreNamed()
    {
        var table = await Inspecting.ShowTextAsync(
            """
            {"certificates":[
              {"identity":"new","state":"Available","certChain":[{},{},{}],"rootCerts":[{}]},
              {"identity":"old","state":"Available","certChain":[{},{},{}]},
              {"identity":"none","state":"Unavailable: the CA said no","certChain":[]}]}
            """,
            "certificates");

        Assert.Equal(
            [
                "new Leaf", "new Intermediate", "new Intermediate", "new Root", "old Leaf", "old Intermediate", "old Root",
                "none NA",
            ],
            table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)
                .Select(row => string.Join(' ', row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2])));
        Assert.EndsWith(
            "none                 NA               Unavailable     false          NA                NA            NA\n",
            table,
            StringComparison.Ordinal);
    }
}
