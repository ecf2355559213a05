// Reading a manifest: the mirror of Manifest+Encoding.swift, and the rules a reader holds it to.

extension Manifest {
  /// Reads the whole file of a manifest, checking every rule of the spec.
  ///
  /// - Parameter name: the number in the file's name, where it has one.
  package init(decoding file: ByteView, named name: UInt64? = nil) throws(FormatError) {
    let header = try FileHeader(decoding: file, as: .manifest)
    guard name == nil || name == header.number else {
      throw FormatError(.fileHeader, .value("file number"), at: 24)
    }
    guard header.storeTag == header.identity.low else {
      throw FormatError(.fileHeader, .value("store tag"), at: 48)
    }
    var reader = try Self.checkedBody(of: file, header)
    self.init(storeID: header.identity)
    number = header.number
    readCompatibleFlags = header.readCompatibleFlags
    try readNumbers(&reader)
    try readLists(&reader)
    _ = try ManifestFields(&reader, known: [])
    try reader.end()
    try checkRules()
  }

  /// A reader over the body of a file whose lengths and checksum hold.
  private static func checkedBody(
    of file: ByteView, _ header: FileHeader
  ) throws(FormatError) -> ByteReader {
    let rest = file.dropping(FileHeader.byteCount)
    var reader = ByteReader(rest, .manifest, at: UInt64(FileHeader.byteCount))
    let start = reader
    guard let stored = rest.uint32(at: 0) else {
      throw FormatError(.manifest, .truncated, at: UInt64(file.count))
    }
    let length = Int(stored)
    guard length <= Limits.manifestBytes else { throw start.error(.limit("body length")) }
    // The checksum before anything that it covers is believed.
    guard let covered = rest.part(at: 0, count: length &+ 8),
      let stored = rest.uint32(at: length &+ 8)
    else { throw FormatError(.manifest, .truncated, at: UInt64(file.count)) }
    let computed = checksum(of: covered, header)
    guard stored == computed else {
      let place = UInt64(prefixBytes &+ length)
      throw FormatError(.manifest, .checksum(stored: stored, computed: computed), at: place)
    }
    _ = try reader.uint32()
    try reader.zeros(4, "reserved bytes")
    let body = ByteReader(try reader.view(length), .manifest, at: UInt64(prefixBytes))
    _ = try reader.uint32()
    try reader.end()
    return body
  }

  private mutating func readNumbers(_ reader: inout ByteReader) throws(FormatError) {
    predecessorDigest = try reader.view(Self.digestBytes).array
    nextFileNumber = try reader.uint64()
    lastSequence = SequenceNumber(try reader.uint64())
    logFloor = try reader.uint64()
    timeFloor = try reader.uint64()
    let start = reader
    let flags = try reader.uint8()
    guard flags & ~Self.cleanlyClosedFlag == 0 else { throw start.error(.value("flags")) }
    isCleanlyClosed = flags & Self.cleanlyClosedFlag != 0
  }

  private mutating func readLists(_ reader: inout ByteReader) throws(FormatError) {
    let logCount = try reader.count(ofItemsOf: LogExtent.smallestBytes, "log count")
    logs.reserveCapacity(logCount)
    for _ in 0..<logCount { logs.append(try LogExtent(&reader)) }
    let segmentCount = try reader.count(ofItemsOf: SegmentRecord.smallestBytes, "segment count")
    segments.reserveCapacity(segmentCount)
    for _ in 0..<segmentCount { segments.append(try SegmentRecord(&reader)) }
    let fileCount = try reader.count(ofItemsOf: ValueFileRecord.smallestBytes, "value file count")
    valueFiles.reserveCapacity(fileCount)
    for _ in 0..<fileCount { valueFiles.append(try ValueFileRecord(&reader)) }
  }
}

// MARK: - Records

extension LogExtent {
  /// Three varints.
  static let smallestBytes = 3

  init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    number = try reader.varint()
    length = try reader.varint()
    lastSequence = SequenceNumber(try reader.varint())
    guard length >= FileHeader.byteCount, length % UInt64(LogRecordHeader.alignment) == 0 else {
      throw start.error(.value("log length"))
    }
    guard lastSequence <= .max else { throw start.error(.limit("sequence number")) }
    guard length > FileHeader.byteCount || lastSequence == .zero else {
      throw start.error(.value("sequence number"))
    }
  }
}

extension SegmentRecord {
  /// Number, identity, level, size, two keys of at least four bytes, ten varints and the fields.
  static let smallestBytes = 1 + 16 + 1 + 1 + 2 * (1 + Limits.keyspacePrefixBytes) + 10 + 1

  init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    number = try reader.varint()
    id = FileID(low: try reader.uint64(), high: try reader.uint64())
    level = try reader.uint8()
    size = try reader.varint()
    smallestKey = try Self.key(&reader)
    largestKey = try Self.key(&reader)
    smallestSequence = SequenceNumber(try reader.varint())
    largestSequence = SequenceNumber(try reader.varint())
    entryCount = try reader.varint()
    keyCount = try reader.varint()
    deleteCount = try reader.varint()
    expiringCount = try reader.varint()
    earliestExpiry = try reader.varint()
    latestExpiry = try reader.varint()
    rawBytes = try reader.varint()
    valueReferences = try Self.references(&reader)
    digest = try Self.digest(&reader)
    try checkRules(start)
  }

  private static func key(_ reader: inout ByteReader) throws(FormatError) -> [UInt8] {
    let start = reader
    let count = try reader.count(upTo: Limits.engineKeyBytes, "key length")
    guard count >= Limits.keyspacePrefixBytes else { throw start.error(.value("key length")) }
    return try reader.view(count).array
  }

  private static func references(
    _ reader: inout ByteReader
  ) throws(FormatError) -> [ValueReference] {
    let count = try reader.count(ofItemsOf: 3, "value reference count")
    var references: [ValueReference] = []
    references.reserveCapacity(count)
    for _ in 0..<count {
      let start = reader
      let reference = ValueReference(
        file: try reader.varint(), count: try reader.varint(), bytes: try reader.varint())
      if let last = references.last, last.file >= reference.file { throw start.error(.order) }
      guard reference.count > 0 else { throw start.error(.value("value reference")) }
      references.append(reference)
    }
    return references
  }

  private static func digest(_ reader: inout ByteReader) throws(FormatError) -> [UInt8] {
    let start = reader
    guard let digest = try ManifestFields.only(ManifestFields.digestTag, &reader) else { return [] }
    guard digest.count == Manifest.digestBytes else { throw start.error(.value("digest")) }
    return digest.array
  }

  private func checkRules(_ start: ByteReader) throws(FormatError) {
    guard level <= Limits.deepestLevel else { throw start.error(.limit("level")) }
    guard size >= FileHeader.byteCount else { throw start.error(.value("segment size")) }
    guard !largestKey.lexicographicallyPrecedes(smallestKey) else { throw start.error(.order) }
    guard smallestSequence <= largestSequence else { throw start.error(.order) }
    guard entryCount > 0, deleteCount <= entryCount, 1...entryCount ~= keyCount else {
      throw start.error(.value("entry count"))
    }
    guard earliestExpiry <= latestExpiry, (earliestExpiry == 0) == (latestExpiry == 0),
      expiringCount <= entryCount, (expiringCount == 0) == (latestExpiry == 0)
    else {
      throw start.error(.value("expiry"))
    }
  }
}

extension ValueFileRecord {
  /// Number, identity, three varints and the fields.
  static let smallestBytes = 1 + 16 + 3 + 1

  init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    number = try reader.varint()
    id = FileID(low: try reader.uint64(), high: try reader.uint64())
    size = try reader.varint()
    valueCount = try reader.varint()
    valueBytes = try reader.varint()
    let beforeFields = reader
    let order = try ManifestFields.only(ManifestFields.orderedTag, &reader)
    guard order?.isEmpty ?? true else { throw beforeFields.error(.value("order")) }
    isOrdered = order != nil
    guard size >= FileHeader.byteCount, valueBytes <= size else {
      throw start.error(.value("value file size"))
    }
  }
}
