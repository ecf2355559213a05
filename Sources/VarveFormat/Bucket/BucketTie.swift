/// What a store on disk knows of its bucket: the file `bucket`. Spec: bucket.md, "On disk".
///
/// ```
/// body: location  u16 length, UTF-8             head    u32 length, a whole bucket manifest; 0: none yet
///       writers   u8 count, 16 bytes each       fields
///       state     u8
/// ```
///
/// Field 2: `apartSince`: manifest, last sequence, u64 each. Field 3: `uploads`: varint count, each.
package struct BucketTie: Equatable, Sendable {
  /// Where the bucket is, for people.
  package var location: String
  /// The writers that were this store: the one that claimed last, and those whose claims may have arrived.
  package var writers: [FileID]
  /// The newest manifest that is known to be in the bucket: where each file has its copy.
  package var head: BucketManifest?
  package var storeID: FileID
  package var state: State
  /// When the store was first opened for writing without its bucket since it was there last; nil where it was
  /// not.
  package var apartSince: Moment?
  /// What this machine has put there since the head, as far as it was noted.
  package var uploads: [BucketUpload] = []

  /// A state of this directory.
  package struct Moment: Equatable, Sendable {
    /// The number of its manifest.
    package var manifest: UInt64
    /// Its last entry, those in logs included.
    package var last: SequenceNumber

    package init(manifest: UInt64, last: SequenceNumber) {
      self.manifest = manifest
      self.last = last
    }
  }

  package enum State: UInt8, Sendable, CaseIterable {
    case whole = 0
    /// The directory is being made from the bucket: logs without a manifest are not whole then.
    case restoring = 1
    /// Another machine has taken over: what is only here is no part of the store any more.
    case fenced = 2
  }

  package static let mostWriters = 255
  static let apartTag: UInt64 = 2
  static let uploadsTag: UInt64 = 3

  package init(
    location: String, writers: [FileID], head: BucketManifest?, storeID: FileID,
    state: State = .whole, apartSince: Moment? = nil
  ) {
    self.state = state
    self.apartSince = apartSince
    self.location = location
    self.writers = writers
    self.head = head
    self.storeID = storeID
  }

  package init(decoding file: ByteView) throws(FormatError) {
    var (frame, reader) = try ObjectFrame.decode(file, as: .tie, .bucketTie)
    storeID = frame.storeID
    var start = reader
    let locationBytes = try reader.view(Int(try reader.uint16())).array
    guard let location = String(validating: locationBytes, as: UTF8.self) else {
      throw start.error(.value("location"))
    }
    self.location = location
    writers = []
    for _ in 0..<Int(try reader.uint8()) {
      writers.append(FileID(low: try reader.uint64(), high: try reader.uint64()))
    }
    start = reader
    guard let state = State(rawValue: try reader.uint8()) else {
      throw start.error(.value("state"))
    }
    self.state = state
    start = reader
    let headCount = Int(try reader.uint32())
    guard headCount <= reader.remaining else { throw start.error(.limit("manifest length")) }
    let place = reader.offset
    let bytes = try reader.view(headCount)
    head = nil
    if headCount > 0 {
      do throws(FormatError) {
        head = try BucketManifest(decoding: bytes, named: frame.number)
      } catch {
        throw FormatError(error.structure, error.fault, at: place &+ error.offset)
      }
      guard head?.version.storeID == storeID else { throw start.error(.value("store id")) }
    } else if frame.number != 0 {
      throw FormatError(.bucketObject, .value("number"), at: 16)
    }
    try readFields(&reader)
    try reader.end()
  }

  private mutating func readFields(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    let fields = try ManifestFields(&reader, known: [Self.apartTag, Self.uploadsTag])
    apartSince = try fields[Self.apartTag].map { bytes throws(FormatError) in
      try Self.apart(bytes, at: start)
    }
    uploads = try BucketUpload.decoded(fields[Self.uploadsTag] ?? [0], at: start)
  }

  private static func apart(
    _ bytes: [UInt8], at start: ByteReader
  ) throws(FormatError) -> Moment {
    let numbers = bytes.withByteView { ($0.uint64(at: 0), $0.uint64(at: 8)) }
    guard bytes.count == 16, let manifest = numbers.0, let last = numbers.1,
      last <= SequenceNumber.max.rawValue
    else { throw start.error(.value("apart since")) }
    return Moment(manifest: manifest, last: SequenceNumber(last))
  }
}
