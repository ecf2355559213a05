/// Optional fields behind the fixed ones of a structure: room for what later versions must say.
///
/// ```
/// varint field count, then for each field, tags ascending:
///   varint tag      odd: a reader that does not know it may pass over it
///                   even: such a reader must refuse the file
///   varint length
///   bytes
/// ```
struct ManifestFields {
  /// SHA-256 of a segment file, 32 bytes.
  static let digestTag: UInt64 = 1
  /// Of a value file whose values lie in the order of their keys; without bytes.
  static let orderedTag: UInt64 = 1

  private(set) var fields: [(tag: UInt64, bytes: [UInt8])] = []

  init() {}

  /// The bytes of a field, or nil where it is absent.
  subscript(_ tag: UInt64) -> [UInt8]? {
    fields.first { $0.tag == tag }?.bytes
  }

  /// Adds a field behind those with lower tags.
  mutating func append(_ tag: UInt64, _ bytes: [UInt8]) {
    assert(fields.last.map { $0.tag < tag } ?? true)
    fields.append((tag, bytes))
  }
}

extension ManifestFields {
  func encode(to writer: inout ByteWriter) {
    writer.varint(UInt64(fields.count))
    for field in fields {
      writer.varint(field.tag)
      writer.varint(UInt64(field.bytes.count))
      writer.append(field.bytes)
    }
  }

  /// Reads fields, keeping those in `known`; throws at an unknown one that may not be passed over.
  init(_ reader: inout ByteReader, known: [UInt64]) throws(FormatError) {
    var fields: [(tag: UInt64, bytes: [UInt8])] = []
    try Self.read(&reader) { tag, bytes in
      guard known.contains(tag) else { return false }
      fields.append((tag, bytes.array))
      return true
    }
    self.fields = fields
  }

  /// Reads fields of which one is known: its bytes, borrowed, or nil where it is absent. A manifest has them
  /// in each of its records.
  static func only(_ tag: UInt64, _ reader: inout ByteReader) throws(FormatError) -> ByteView? {
    var found: ByteView?
    try read(&reader) { other, bytes in
      guard other == tag else { return false }
      found = bytes
      return true
    }
    return found
  }

  /// Hands each field to `take`, which says whether it knows the tag.
  private static func read(
    _ reader: inout ByteReader, _ take: (UInt64, ByteView) -> Bool
  ) throws(FormatError) {
    let count = try reader.count(ofItemsOf: 2, "field count")
    var previous: UInt64?
    for _ in 0..<count {
      let start = reader
      let tag = try reader.varint()
      if let previous, tag <= previous { throw start.error(.order) }
      previous = tag
      let length = try reader.count(upTo: Limits.manifestBytes, "field length")
      let bytes = try reader.view(length)
      if !take(tag, bytes), tag & 1 == 0 {
        throw start.error(.features(UInt32(truncatingIfNeeded: tag)))
      }
    }
  }
}

extension ByteReader {
  /// How many items follow, each of which takes `smallest` bytes or more: never more than fit.
  mutating func count(ofItemsOf smallest: Int, _ what: String) throws(FormatError) -> Int {
    let start = self
    let count = try varint()
    guard count <= UInt64(remaining / smallest) else { throw start.error(.limit(what)) }
    return Int(count)
  }
}
