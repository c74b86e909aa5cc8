/// With what the tags of media are made and checked on one link.
///
/// Each handshake brings new keys and the other phase; a packet's header says which phase its tag is
/// of, so that what is on the way while keys change is still understood.
package struct LinkTagKeys: Sendable {
    /// What the neighbor tags with, by phase; `nil` where that phase has no key, or none any more.
    package var receive: (MediaTagKey?, MediaTagKey?)
    package var send: MediaTagKey
    /// The phase of ``send``: 0 or 1.
    package var sendPhase: UInt8

    /// Longest UDP payload that is known to reach the neighbor whole.
    package var datagramLimit: Int

    package init(
        receive: (MediaTagKey?, MediaTagKey?), send: MediaTagKey, sendPhase: UInt8,
        datagramLimit: Int = .max
    ) {
        self.receive = receive
        self.send = send
        self.sendPhase = sendPhase & 1
        self.datagramLimit = datagramLimit
    }
}
