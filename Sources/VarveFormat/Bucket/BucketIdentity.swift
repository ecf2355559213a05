/// Which store a bucket holds: the object `store`. Spec: bucket.md.
package struct BucketIdentity: Equatable, Sendable {
  package var storeID: FileID
  /// When it was made, in ms since 1970, by the clock of the machine that did.
  package var created: UInt64

  package init(storeID: FileID, created: UInt64) {
    self.storeID = storeID
    self.created = created
  }

  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 16)
    writer.uint64(created)
    ManifestFields().encode(to: &writer)
    return ObjectFrame(.store, storeID: storeID).encoded(writer.bytes)
  }

  package init(decoding object: ByteView) throws(FormatError) {
    var (frame, reader) = try ObjectFrame.decode(object, as: .store, .bucketObject)
    guard frame.number == 0 else { throw FormatError(.bucketObject, .value("number"), at: 16) }
    storeID = frame.storeID
    created = try reader.uint64()
    _ = try ManifestFields(&reader, known: [])
    try reader.end()
  }
}

/// What keeps one version of a bucket from being collected: an object `pin/<name>`. Spec: bucket.md.
package struct BucketPin: Equatable, Sendable {
  package enum Kind: UInt8, Sendable, CaseIterable {
    case checkpoint = 1
    case reader = 2
  }

  package var storeID: FileID
  /// Of the manifest that is kept.
  package var manifest: UInt64
  package var kind: Kind
  /// Server time from which on it does not count; 0 is never.
  package var expires: UInt64
  package var nonce: FileID

  package init(
    storeID: FileID, manifest: UInt64, kind: Kind, expires: UInt64, nonce: FileID
  ) {
    self.storeID = storeID
    self.manifest = manifest
    self.kind = kind
    self.expires = expires
    self.nonce = nonce
  }

  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 32)
    writer.uint8(kind.rawValue)
    writer.uint64(expires)
    writer.uint64(nonce.low)
    writer.uint64(nonce.high)
    ManifestFields().encode(to: &writer)
    return ObjectFrame(.pin, number: manifest, storeID: storeID).encoded(writer.bytes)
  }

  package init(decoding object: ByteView) throws(FormatError) {
    var (frame, reader) = try ObjectFrame.decode(object, as: .pin, .bucketPin)
    storeID = frame.storeID
    manifest = frame.number
    guard 1...Limits.fileNumber ~= manifest else {
      throw FormatError(.bucketObject, .limit("number"), at: 16)
    }
    let start = reader
    guard let kind = Kind(rawValue: try reader.uint8()) else { throw start.error(.value("kind")) }
    self.kind = kind
    expires = try reader.uint64()
    nonce = FileID(low: try reader.uint64(), high: try reader.uint64())
    _ = try ManifestFields(&reader, known: [])
    try reader.end()
  }
}
