using System.Text;

namespace Hbone.Tls.OpenSsl;

/// <summary>What OpenSSL gives contexts that do not say otherwise; the same as a configuration file would (config(5)).</summary>
internal static unsafe class OpenSslConfiguration
{
    /// <summary>Whether a group of this name can be used for key exchange.</summary>
    public static bool IsGroupKnown(string group)
    {
        var context = NewContext();
        fixed (byte* name = Encoding.ASCII.GetBytes(group + '\0'))
        {
            var known = Native.SSL_CTX_ctrl(context, Native.CtrlSetGroupsList, 0, name) == 1;
            Native.SSL_CTX_free(context);
            Native.ERR_clear_error();
            return known;
        }
    }

    /// <summary>Contexts made from now on begin with these groups. Replaces what the machine's file says of TLS.</summary>
    /// <exception cref="TlsException">OpenSSL did not take them.</exception>
    public static void SetDefaultGroups(string groups)
    {
        // OpenSSL reads its own file when it makes its first context, and not again; ours has to come after that.
        Native.SSL_CTX_free(NewContext());
        Load(Encoding.ASCII.GetBytes(
            $"openssl_conf = ours\n[ours]\nssl_conf = contexts\n[contexts]\nsystem_default = tls\n[tls]\nGroups = {groups}\n"));

        // Making a context ignores errors in its defaults; asking for them by name does not.
        var context = NewContext();
        var accepted = Native.SSL_CTX_config(context, "system_default") == 1;
        Native.SSL_CTX_free(context);
        ErrorQueue.ThrowUnless(accepted, $"key exchange {groups} as the default");
    }

    private static void Load(byte[] text)
    {
        var configuration = Native.NCONF_new(0);
        ErrorQueue.ThrowUnless(configuration != 0, "OpenSSL configuration");
        fixed (byte* start = text)
        {
            var source = Native.BIO_new_mem_buf(start, text.Length);
            var loaded = source != 0 && Native.NCONF_load_bio(configuration, source, null) > 0
                && Native.CONF_modules_load(configuration, null, 0) > 0;
            Native.BIO_free(source);
            Native.NCONF_free(configuration);
            ErrorQueue.ThrowUnless(loaded, "OpenSSL configuration");
        }
    }

    private static nint NewContext()
    {
        var context = Native.SSL_CTX_new(Native.TLS_method());
        ErrorQueue.ThrowUnless(context != 0, "TLS context");
        return context;
    }
}
