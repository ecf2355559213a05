/// What is put into an object: so many bytes that are asked for in pieces, perhaps more than once, so
/// that a file of any size is sent and sent again without being held.
public struct ObjectContent: Sendable {
  /// Bytes of the object.
  public let count: UInt64
  /// The SHA-256 of all of them, where it is known: saves reading them once more.
  public let sha256: [UInt8]?
  /// The CRC-32C of all of them, where it is known: what is sent in parts is compared with it.
  public let crc32c: UInt32?
  private let pieces: @Sendable (Range<UInt64>) throws(ObjectStoreError) -> [UInt8]

  /// Content that `piece` returns: exactly the bytes of the range it is asked for, the same each time,
  /// on any thread.
  public init(
    count: UInt64, sha256: [UInt8]? = nil, crc32c: UInt32? = nil,
    piece: @escaping @Sendable (Range<UInt64>) throws(ObjectStoreError) -> [UInt8]
  ) {
    self.count = count
    self.sha256 = sha256
    self.crc32c = crc32c
    pieces = piece
  }

  /// Bytes in memory.
  public init(_ bytes: [UInt8]) {
    self.init(count: UInt64(bytes.count)) { range throws(ObjectStoreError) in
      Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
  }

  /// The bytes of `range`, which lies within the content.
  ///
  /// - Throws: what the source throws; `.invalid` where it returned less or more.
  public func piece(_ range: Range<UInt64>) throws(ObjectStoreError) -> [UInt8] {
    let bytes = try pieces(range)
    guard bytes.count == range.count else {
      throw ObjectStoreError(
        .invalid, "the content returned \(bytes.count) bytes where \(range.count) were asked for")
    }
    return bytes
  }

  /// The bytes in pieces of at most `size`, from the first to the last.
  public func forEachPiece(
    of size: Int, _ body: ([UInt8]) throws(ObjectStoreError) -> Void
  ) throws(ObjectStoreError) {
    var offset: UInt64 = 0
    while offset < count {
      let end = offset + min(count - offset, UInt64(size))
      try body(piece(offset..<end))
      offset = end
    }
  }
}
