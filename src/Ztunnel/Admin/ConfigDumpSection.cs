using System.Text.Json;

namespace Ztunnel.Admin;

/// <summary>
/// One top-level member of the config dump. It is written in steps, between which what was written is sent, so that
/// the dump of a big mesh needs little memory. All steps see the snapshot that the first one took.
/// </summary>
internal sealed class ConfigDumpSection
{
    private readonly Func<IEnumerable<Action<Utf8JsonWriter>>> _steps;

    private ConfigDumpSection(string key, Func<IEnumerable<Action<Utf8JsonWriter>>> steps)
    {
        Key = key;
        _steps = steps;
    }

    /// <summary>Name of the member.</summary>
    public string Key { get; }

    /// <summary>Writes of one dump; together they write exactly one JSON value.</summary>
    public IEnumerable<Action<Utf8JsonWriter>> Steps => _steps();

    /// <summary>A member of any kind.</summary>
    /// <param name="key">Name of the member.</param>
    /// <param name="steps">Takes a snapshot, once per dump, and gives what together writes one JSON value.</param>
    public static ConfigDumpSection Of(string key, Func<IEnumerable<Action<Utf8JsonWriter>>> steps) => new(key, steps);

    /// <summary>A member that is small enough to be written at once.</summary>
    public static ConfigDumpSection Value(string key, Action<Utf8JsonWriter> write) => new(key, () => [write]);

    /// <summary>A member that is an array.</summary>
    /// <param name="key">Name of the member.</param>
    /// <param name="items">Takes a snapshot, once per dump, in the order in which it is to be written.</param>
    /// <param name="write">Writes one element.</param>
    public static ConfigDumpSection Array<T>(
        string key, Func<IEnumerable<T>> items, Action<Utf8JsonWriter, T> write) =>
        new(key, () => items().Select<T, Action<Utf8JsonWriter>>(item => json => write(json, item))
            .Prepend(static json => json.WriteStartArray())
            .Append(static json => json.WriteEndArray()));

    /// <summary>A member that is an object.</summary>
    /// <param name="key">Name of the member.</param>
    /// <param name="items">Takes a snapshot, once per dump, in the order in which it is to be written.</param>
    /// <param name="write">Writes one member: its name and its value.</param>
    public static ConfigDumpSection Object<T>(
        string key, Func<IEnumerable<T>> items, Action<Utf8JsonWriter, T> write) =>
        Object(key, items, item => [json => write(json, item)]);

    /// <summary>A member that is an object of big members.</summary>
    /// <param name="key">Name of the member.</param>
    /// <param name="items">Takes a snapshot, once per dump, in the order in which it is to be written.</param>
    /// <param name="steps">What together writes one member: its name and its value.</param>
    public static ConfigDumpSection Object<T>(
        string key, Func<IEnumerable<T>> items, Func<T, IEnumerable<Action<Utf8JsonWriter>>> steps) =>
        new(key, () => items().SelectMany(steps)
            .Prepend(static json => json.WriteStartObject())
            .Append(static json => json.WriteEndObject()));
}
