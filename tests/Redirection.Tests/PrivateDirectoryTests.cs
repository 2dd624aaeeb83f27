using System.Diagnostics.CodeAnalysis;
using System.Text;
using Redirection.Tests.Support;

namespace Redirection.Tests;

[SuppressMessage("Interoperability", "CA1416", Justification = "The proxy runs on Linux only.")]
public sealed class PrivateDirectoryTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _parent = Directory.CreateTempSubdirectory("ztunnel-private-");

    private string Folder => Path.Combine(_parent.FullName, "a", "state");

    public void Dispose() => _parent.Delete(recursive: true);

    [Fact]
    public void Open_MissingDirectory_MakesItForTheOwnerAlone()
    {
        using var directory = PrivateDirectory.Open(Folder);

        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
        Assert.Null(directory.OpenRead("none"));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite, "720")]
    [InlineData(UnixFileMode.OtherWrite, "702")]
    public void Open_DirectoryThatOthersMayWrite_IsRefusedByName(UnixFileMode others, string mode)
    {
        PrivateDirectory.Open(Folder).Dispose();
        File.SetUnixFileMode(Folder, Owner | UnixFileMode.UserExecute | others);

        var error = Assert.Throws<IOException>(() => PrivateDirectory.Open(Folder));

        Assert.Equal($"{Folder} can be written by group or others (mode {mode}): not used", error.Message);
    }

    [Fact]
    public void Open_DirectoryOfAnotherUser_IsRefusedByName()
    {
        Root.Require();
        PrivateDirectory.Open(Folder).Dispose();
        Command.Run("chown", $"1 {Folder}");

        var error = Assert.Throws<IOException>(() => PrivateDirectory.Open(Folder));

        Assert.Equal($"{Folder} belongs to user 1 and not to user 0, who runs this process: not used", error.Message);
    }

    [Fact]
    public void Open_FileInsteadOfADirectory_IsAnErrorThatNamesIt()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Folder)!);
        File.WriteAllText(Folder, "");

        Assert.Contains(Folder, Assert.Throws<IOException>(() => PrivateDirectory.Open(Folder)).Message);
    }

    [Fact]
    public void Replace_NewContent_HasTheNameAndModeOfTheOwnerAlone()
    {
        using var directory = PrivateDirectory.Open(Folder);

        Write(directory, "x.new", "one");
        directory.Replace("x.new", "x");
        Write(directory, "x.new", "two");
        directory.Replace("x.new", "x");

        Assert.Equal("two", Read(directory, "x"));
        Assert.Equal(["x"], Directory.GetFiles(Folder).Select(Path.GetFileName));
        Assert.Equal(Owner, File.GetUnixFileMode(Path.Combine(Folder, "x")));
    }

    [Fact]
    public void CreateNew_OverALink_LeavesItsTargetAlone()
    {
        using var directory = PrivateDirectory.Open(Folder);
        var target = Path.Combine(_parent.FullName, "target");
        File.WriteAllText(target, "precious");
        File.CreateSymbolicLink(Path.Combine(Folder, "x"), target);

        Write(directory, "x", "new");

        Assert.Equal("precious", File.ReadAllText(target));
        Assert.Equal("new", Read(directory, "x"));
    }

    [Theory]
    [InlineData("link")]
    [InlineData("pipe")]
    [InlineData("directory")]
    [InlineData("writable")]
    [InlineData("owner")]
    public void OpenRead_WhatIsNotOurFileAlone_IsRefusedByName(string what)
    {
        using var directory = PrivateDirectory.Open(Folder);
        var path = Path.Combine(Folder, "x");
        switch (what)
        {
            case "link":
                Write(directory, "real", "content");
                File.CreateSymbolicLink(path, Path.Combine(Folder, "real"));
                break;
            case "pipe":
                Command.Run("mkfifo", path);
                break;
            case "directory":
                Directory.CreateDirectory(path);
                break;
            case "writable":
                Write(directory, "x", "content");
                File.SetUnixFileMode(path, Owner | UnixFileMode.GroupWrite);
                break;
            default:
                Root.Require();
                Write(directory, "x", "content");
                Command.Run("chown", $"1 {path}");
                break;
        }

        Assert.Contains(path, Assert.Throws<IOException>(() => directory.OpenRead("x")).Message);
    }

    [Fact]
    public void TryLock_WhileAnotherHolderHasIt_IsFalse()
    {
        using var second = PrivateDirectory.Open(Folder);
        using (var first = PrivateDirectory.Open(Folder))
        {
            Assert.True(first.TryLock());
            Assert.False(second.TryLock());
        }

        Assert.True(second.TryLock());
    }

    private static void Write(PrivateDirectory directory, string name, string content)
    {
        using var file = directory.CreateNew(name);
        file.Write(Encoding.UTF8.GetBytes(content));
    }

    private static string Read(PrivateDirectory directory, string name)
    {
        using var reader = new StreamReader(directory.OpenRead(name)!);
        return reader.ReadToEnd();
    }
}
