import Foundation

/// The relative targets that a Markdown page links to, without anchors.
func linkedPaths(inMarkdown text: String) -> [String] {
    found(#"\]\(([^)\s]+)\)"#, in: text).compactMap { target in
        if target.contains("://") || target.hasPrefix("#") || target.hasPrefix("mailto:") {
            return nil
        }
        return String(target.prefix { $0 != "#" })
    }
}

/// Pages of the documentation that any text names, such as `docs/protocol.md`.
func namedPages(in text: String) -> [String] { found(#"\b(docs/[a-z0-9-]+\.md)\b"#, in: text) }

private func found(_ pattern: String, in text: String) -> [String] {
    guard let expression = try? NSRegularExpression(pattern: pattern) else {
        preconditionFailure("\(pattern) is no regular expression")
    }
    let whole = text as NSString
    return expression.matches(in: text, range: NSRange(location: 0, length: whole.length))
        .map { whole.substring(with: $0.range(at: 1)) }
}
