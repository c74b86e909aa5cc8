/// Typed access to the members of an object, for the readers of our own documents.
///
/// Each throws ``JSONError/unexpected(member:expected:)`` naming the member.
extension JSONValue {
    /// The first member of that name; `nil` if there is none or this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    package func text(_ name: String) throws(JSONError) -> String {
        guard case .string(let text) = self[name] else {
            throw .unexpected(member: name, expected: "a string")
        }
        return text
    }

    package func integer(_ name: String) throws(JSONError) -> Int64 {
        guard case .integer(let value) = self[name] else {
            throw .unexpected(member: name, expected: "a whole number")
        }
        return value
    }

    package func count(_ name: String) throws(JSONError) -> Int {
        guard let value = Int(exactly: try integer(name)), value >= 0 else {
            throw .unexpected(member: name, expected: "a count")
        }
        return value
    }

    package func number(_ name: String) throws(JSONError) -> Double {
        switch self[name] {
        case .integer(let value): return Double(value)
        case .number(let value): return value
        default: throw .unexpected(member: name, expected: "a number")
        }
    }

    package func flag(_ name: String) throws(JSONError) -> Bool {
        guard case .bool(let value) = self[name] else {
            throw .unexpected(member: name, expected: "true or false")
        }
        return value
    }

    package func list(_ name: String) throws(JSONError) -> [JSONValue] {
        guard case .array(let elements) = self[name] else {
            throw .unexpected(member: name, expected: "a list")
        }
        return elements
    }

    package func members(_ name: String) throws(JSONError) -> [Member] {
        guard case .object(let members) = self[name] else {
            throw .unexpected(member: name, expected: "an object")
        }
        return members
    }

    /// The members of a list, read one by one.
    package func list<Element>(
        _ name: String, of read: (JSONValue) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        var elements: [Element] = []
        for element in try list(name) { elements.append(try read(element)) }
        return elements
    }

    /// A member that may be `null` or missing.
    package func optional<Value>(
        _ name: String, _ read: (JSONValue) throws(JSONError) -> (String) throws(JSONError) -> Value
    ) throws(JSONError) -> Value? {
        switch self[name] {
        case nil, .null: return nil
        default: return try read(self)(name)
        }
    }
}
