namespace Hbone.Http2.Hpack;

/// <summary>Where a field was found in a table.</summary>
/// <param name="Index">Index in that table, counted from 1; 0 when not even the name is there.</param>
/// <param name="IncludesValue">The entry has the field's value too, not only its name.</param>
internal readonly record struct TableMatch(int Index, bool IncludesValue);
