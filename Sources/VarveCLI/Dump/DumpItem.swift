import VarveFormat

/// One thing found in a file: what it is, where, and its fields. Text and JSON are two ways to
/// write the same item.
struct DumpItem {
  /// What a field holds decides how it is written.
  enum Value {
    case number(UInt64)
    /// In hexadecimal, zero-filled to so many digits.
    case hex(UInt64, digits: Int)
    case text(String)
    /// Any bytes: a key or a value.
    case bytes([UInt8])
    case flag(Bool)
  }

  struct Field {
    var name: String
    var value: Value
  }

  /// What it is, in the words of the format specification.
  var kind: String
  /// Bytes from the start of the file; nil for what has no place of its own.
  var offset: UInt64?
  /// Bytes it takes, where it has a place.
  var length: UInt64?
  /// How far it is inside of other items.
  var depth = 0
  var fields: [Field] = []
  /// Something is wrong here.
  var isDamage = false

  init(_ kind: String, at offset: UInt64? = nil, length: UInt64? = nil, depth: Int = 0) {
    self.kind = kind
    self.offset = offset
    self.length = length
    self.depth = depth
  }

  /// What is wrong, and exactly where.
  init(damage error: FormatError) {
    self.init("damage", at: error.offset)
    isDamage = true
    add("structure", error.structure.rawValue)
    add("problem", error.fault.description)
  }
}

// MARK: - Adding fields

extension DumpItem {
  mutating func add(_ name: String, _ value: some BinaryInteger) {
    fields.append(Field(name: name, value: .number(UInt64(clamping: value))))
  }

  mutating func add(_ name: String, _ text: String) {
    fields.append(Field(name: name, value: .text(text)))
  }

  mutating func add(_ name: String, _ bytes: [UInt8]) {
    fields.append(Field(name: name, value: .bytes(bytes)))
  }

  mutating func add(_ name: String, _ flag: Bool) {
    fields.append(Field(name: name, value: .flag(flag)))
  }

  mutating func add(_ name: String, hex number: UInt64, digits: Int) {
    fields.append(Field(name: name, value: .hex(number, digits: digits)))
  }

  mutating func add(_ name: String, _ id: FileID) {
    add(name, Self.text(of: id))
  }

  /// An identity as 32 digits, its high half first.
  static func text(of id: FileID) -> String {
    [id.high, id.low].map { String(Hexadecimal.number($0, width: 16).dropFirst(2)) }.joined()
  }
}

// MARK: - Entries

extension DumpItem {
  /// One entry, in a log or a block.
  static func entry(
    key: ByteView, sequence: SequenceNumber, kind: EntryKind, expiry: ExpiryTime, value: ByteView
  ) -> DumpItem {
    var item = DumpItem("entry", depth: 2)
    item.add("action", "\(kind)")
    item.add("sequence", sequence.rawValue)
    item.add("keyspace", (key.uint32(at: 0) ?? 0).byteSwapped)
    item.add("key", key.dropping(Limits.keyspacePrefixBytes).array)
    if expiry != 0 { item.add("expires", expiry) }
    switch kind {
    case .put: item.add("value", value.array)
    case .pointer: item.add(pointer: value)
    case .delete, .rangeDelete: break
    }
    return item
  }

  private mutating func add(pointer bytes: ByteView) {
    do throws(FormatError) {
      let pointer = try ValuePointer(decoding: bytes)
      add("file", "\(FileName(.values, pointer.file))")
      add("at", pointer.offset)
      add("stored", pointer.storedCount)
      add("full", pointer.fullCount)
      add("codec", "\(pointer.codec)")
      add("checksum", hex: UInt64(pointer.checksum), digits: 8)
    } catch {
      isDamage = true
      add("problem", error.description)
    }
  }
}
