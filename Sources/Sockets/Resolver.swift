import CLinux
import Glibc
import NetBasics

/// Host names to addresses, through the system's resolver.
///
/// Blocks: call it before the loop runs.
package enum Resolver {
    /// The unicast addresses of `host`, in the order of preference, without repetition.
    package static func addresses(of host: String) throws(SystemError) -> [IPAddress] {
        if let literal = IPAddress(host) { return [literal] }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let code = status == EAI_SYSTEM ? errno : ENOENT
            throw SystemError(code: code, call: "look up", subject: host)
        }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let current = entry {
            if let address = address(of: current.pointee), address.isUnicast,
                !found.contains(address)
            {
                found.append(address)
            }
            entry = current.pointee.ai_next
        }
        return found
    }

    private static func address(of entry: addrinfo) -> IPAddress? {
        var address = SocketAddress()
        guard entry.ai_addrlen <= address.length, let raw = entry.ai_addr else { return nil }
        withUnsafeMutableBytes(of: &address.storage) {
            $0.copyMemory(
                from: UnsafeRawBufferPointer(start: raw, count: Int(entry.ai_addrlen)))
        }
        return address.endpoint?.address
    }
}
