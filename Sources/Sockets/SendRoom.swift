/// Room in a ``SendBatch`` for datagrams of one size.
@usableFromInline package struct SendRoom {
    /// Bytes from one header to the next.
    @inlinable static var headerStride: Int { 48 }

    /// How many are to be added.
    @usableFromInline package let count: Int
    @usableFromInline let headerBytes: Int
    @usableFromInline let bodyBytes: Int
    @usableFromInline let headers: UnsafeMutableRawPointer
    /// Two `iovec` for each: header and body.
    @usableFromInline let vectors: UnsafeMutableRawPointer

    init(
        count: Int, headerBytes: Int, bodyBytes: Int, headers: UnsafeMutableRawPointer,
        vectors: UnsafeMutableRawPointer
    ) {
        self.count = count
        self.headerBytes = headerBytes
        self.bodyBytes = bodyBytes
        self.headers = headers
        self.vectors = vectors
    }

    /// Sets the body of one and returns where its header is to be written.
    @inlinable package func add(
        _ index: Int, _ body: UnsafeRawPointer?
    ) -> UnsafeMutableRawPointer {
        let header = headers + index &* Self.headerStride
        let vector = vectors + index &* 32
        vector.storeBytes(of: header, as: UnsafeMutableRawPointer.self)
        vector.storeBytes(of: headerBytes, toByteOffset: 8, as: Int.self)
        vector.storeBytes(of: body, toByteOffset: 16, as: UnsafeRawPointer?.self)
        vector.storeBytes(of: bodyBytes, toByteOffset: 24, as: Int.self)
        return header
    }
}
