import Glibc
import Management
import Sockets

/// Where the peers of this host keep their management sockets.
package enum PeerSockets {
    /// `/run/polycast` for root, the user's run-time directory otherwise.
    package static var directory: String {
        if geteuid() == 0 { return "/run/polycast" }
        if let runtime = getenv("XDG_RUNTIME_DIR") {
            return String(cString: runtime) + "/polycast"
        }
        return "/tmp/polycast-\(geteuid())"
    }

    package static func path(ofPeerNamed name: String) -> String { "\(directory)/\(name).sock" }

    /// Creates the directory, for its owner alone.
    static func prepareDirectory() throws(Failure) {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw Failure(
                .permission, "cannot create \(directory): \(String(cString: strerror(errno)))",
                advice: "choose a place with --socket")
        }
        var status = stat()
        guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid()
        else {
            throw Failure(
                .permission, "\(directory) is not a directory of this user",
                advice: "choose a place with --socket")
        }
    }

    /// The sockets that peers of this host listen on now, in alphabetical order.
    package static var running: [String] {
        guard let listing = opendir(directory) else { return [] }
        defer { closedir(listing) }
        var paths: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".sock") { paths.append("\(directory)/\(name)") }
        }
        return paths.sorted().filter(UnixClient.isServed)
    }
}
