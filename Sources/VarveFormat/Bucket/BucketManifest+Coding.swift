// body: predecessor digest  32 bytes     version   u32 length, a whole manifest file
//       epoch               u64          objects   for each segment, then each value file
//       writer, nonce       16 bytes     garbage   varint count, each
//       server time         u64          fields
//       log floor           u64

extension BucketManifest {
  /// The whole object. The same manifest always makes the same bytes.
  package func encoded() -> [UInt8] {
    let version = version.encoded()
    var writer = ByteWriter(reserving: 128 + version.count + objects.count * 40)
    writer.append(predecessorDigest)
    writer.uint64(epoch)
    for id in [self.writer, nonce] {
      writer.uint64(id.low)
      writer.uint64(id.high)
    }
    writer.uint64(serverTime)
    writer.uint64(logFloor)
    writer.uint32(UInt32(version.count))
    writer.append(version)
    for object in objects { object.encode(to: &writer) }
    writer.varint(UInt64(garbage.count))
    for garbage in garbage { garbage.encode(to: &writer) }
    ManifestFields().encode(to: &writer)
    return ObjectFrame(.manifest, number: number, storeID: self.version.storeID)
      .encoded(writer.bytes)
  }

  /// Reads a whole object, checking every rule of the spec.
  package init(decoding object: ByteView, named number: UInt64) throws(FormatError) {
    let (frame, body) = try ObjectFrame.decode(object, as: .manifest, .bucketManifest)
    guard frame.number == number else {
      throw FormatError(.bucketObject, .value("number"), at: 16)
    }
    var reader = body
    self.number = frame.number
    predecessorDigest = try reader.view(Manifest.digestBytes).array
    epoch = try reader.uint64()
    writer = FileID(low: try reader.uint64(), high: try reader.uint64())
    nonce = FileID(low: try reader.uint64(), high: try reader.uint64())
    serverTime = try reader.uint64()
    logFloor = try reader.uint64()
    version = try Self.version(&reader, of: frame.storeID)
    objects = []
    garbage = []
    try readFiles(&reader)
    _ = try ManifestFields(&reader, known: [])
    try reader.end()
    try checkRules()
  }

  private static func version(
    _ reader: inout ByteReader, of storeID: FileID
  ) throws(FormatError) -> Manifest {
    let start = reader
    let length = Int(try reader.uint32())
    guard length <= reader.remaining else { throw start.error(.limit("version length")) }
    let place = reader.offset
    let bytes = try reader.view(length)
    let version: Manifest
    do throws(FormatError) { version = try Manifest(decoding: bytes) } catch {
      throw FormatError(error.structure, error.fault, at: place &+ error.offset)
    }
    guard version.storeID == storeID else { throw start.error(.value("store id")) }
    guard version.isCleanlyClosed, version.logs.isEmpty else {
      throw start.error(.value("logs"))
    }
    return version
  }

  private mutating func readFiles(_ reader: inout ByteReader) throws(FormatError) {
    let count = version.segments.count + version.valueFiles.count
    guard count <= reader.remaining / BucketObject.smallestBytes else {
      throw reader.error(.truncated)
    }
    objects.reserveCapacity(count)
    for _ in 0..<count { objects.append(try BucketObject(&reader)) }
    let garbageCount = try reader.count(
      ofItemsOf: BucketGarbage.smallestBytes, "garbage count")
    garbage.reserveCapacity(garbageCount)
    for _ in 0..<garbageCount {
      let start = reader
      let next = try BucketGarbage(&reader)
      if let last = garbage.last, !(last.file < next.file) { throw start.error(.order) }
      garbage.append(next)
    }
  }

  /// Rules between records, at the start of the body.
  package func checkRules() throws(FormatError) {
    func refusal(_ fault: FormatError.Fault) -> FormatError {
      FormatError(.bucketManifest, fault, at: UInt64(ObjectFrame.byteCount))
    }
    guard 1...Limits.fileNumber ~= number else { throw refusal(.limit("number")) }
    guard 1...Limits.fileNumber ~= epoch else { throw refusal(.limit("epoch")) }
    guard logFloor <= Limits.fileNumber else { throw refusal(.limit("log floor")) }
    let epochs = objects.map(\.epoch) + garbage.map(\.file.object.epoch)
    guard epochs.allSatisfy({ 1...epoch ~= $0 }) else { throw refusal(.value("epoch")) }
    let sizes = version.segments.map(\.size) + version.valueFiles.map(\.size)
    guard sizes.allSatisfy({ $0 <= Self.mostFileBytes }) else { throw refusal(.limit("size")) }
    guard zip(objects, sizes).allSatisfy({ $0.tailBytes <= $1 }) else {
      throw refusal(.value("tail"))
    }
    guard objects.allSatisfy({ $0.tailBytes <= BucketObject.mostTailBytes }) else {
      throw refusal(.limit("tail"))
    }
    let live = Set(files)
    guard !garbage.contains(where: { live.contains($0.file) }) else {
      throw refusal(.value("garbage"))
    }
  }
}

// MARK: - Records

extension BucketObject {
  static let smallestBytes = 1 + Manifest.digestBytes + 1

  func encode(to writer: inout ByteWriter) {
    writer.varint(epoch)
    writer.append(digest)
    writer.varint(tailBytes)
  }

  init(_ reader: inout ByteReader) throws(FormatError) {
    epoch = try reader.varint()
    digest = try reader.view(Manifest.digestBytes).array
    tailBytes = try reader.varint()
  }
}

extension BucketGarbage {
  static let smallestBytes = 1 + 1 + BucketObject.smallestBytes + 1

  fileprivate func encode(to writer: inout ByteWriter) {
    writer.uint8(file.kind.rawValue)
    writer.varint(file.number)
    file.object.encode(to: &writer)
    writer.varint(since)
  }

  fileprivate init(_ reader: inout ByteReader) throws(FormatError) {
    let start = reader
    guard let kind = BucketFile.Kind(rawValue: try reader.uint8()) else {
      throw start.error(.value("kind"))
    }
    let number = try reader.varint()
    guard 1..<Limits.fileNumber ~= number else { throw start.error(.limit("file number")) }
    file = BucketFile(kind, number, try BucketObject(&reader))
    since = try reader.varint()
  }
}
