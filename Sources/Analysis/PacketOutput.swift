/// In which form packets are printed.
package enum PacketOutput: Equatable, Sendable {
    /// A line for each packet.
    case text
    /// The same line, and below it every field, indented.
    case tree
    /// One array of objects, which nest as the fields do.
    case json
    /// An object on each line, without nesting, behind a line with the name of the form.
    case ndjson
    /// The columns of the line (RFC 4180).
    case csv
    /// The values of these names, with tabs between; several of one name have commas between.
    case fields([String])
}

/// Text as a field of CSV, in quotes where it needs them (RFC 4180, section 2).
func csvField(_ text: String) -> String {
    let special: [UInt8] = [
        UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n"),
    ]
    guard text.utf8.contains(where: special.contains) else { return text }
    return "\""
        + text.split(separator: "\"", omittingEmptySubsequences: false)
        .joined(separator: "\"\"") + "\""
}
