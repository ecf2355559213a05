/// The keyspace with the number 0, which holds what the store knows of all others.
///
/// ```
/// key             value
/// "k" name        KeyspaceRecord, 32 bytes
/// "n"             the number that the next keyspace gets, u32
/// ```
///
/// Its entries are ordinary ones, written through the log like all others, so that making a
/// keyspace costs one log record and is as durable as any commit. Spec: directory.md.
package enum SystemKeyspace {
  package static let number: UInt32 = 0
  /// The keyspace that exists without having been made.
  package static let defaultKeyspace: UInt32 = 1
  /// The numbers that other keyspaces can have: there is one above each of them.
  package static let numbers: ClosedRange<UInt32> = 1...UInt32.max - 1
  /// The key of the number that the next keyspace gets.
  package static let nextNumberKey: [UInt8] = [UInt8(ascii: "n")]
  /// What the keys of all keyspace records begin with.
  package static let recordPrefix: [UInt8] = [UInt8(ascii: "k")]

  /// The key of the record of the keyspace `name`.
  package static func recordKey(_ name: String) -> [UInt8] {
    recordPrefix + Array(name.utf8)
  }

  /// Whether a keyspace can have this name: 1...255 bytes of UTF-8.
  package static func isValid(name: String) -> Bool {
    (1...Limits.keyspaceNameBytes).contains(name.utf8.count)
  }

  /// The name in a record's key (the user's part, without the keyspace number).
  package static func name(inKey key: ByteView) throws(FormatError) -> String {
    guard key.byte(at: 0) == recordPrefix[0] else {
      throw FormatError(.catalog, .value("system key"), at: 0)
    }
    let bytes = key.dropping(1).array
    guard (1...Limits.keyspaceNameBytes).contains(bytes.count),
      let name = String(validating: bytes, as: UTF8.self)
    else { throw FormatError(.catalog, .value("keyspace name"), at: 1) }
    return name
  }

  package static func encodeNextNumber(_ number: UInt32) -> [UInt8] {
    var writer = ByteWriter(reserving: 4)
    writer.uint32(number)
    return writer.bytes
  }

  package static func decodeNextNumber(_ bytes: ByteView) throws(FormatError) -> UInt32 {
    var reader = ByteReader(bytes, .catalog)
    let number = try reader.uint32()
    try reader.end()
    guard number > defaultKeyspace else {
      throw FormatError(.catalog, .value("keyspace number"), at: 0)
    }
    return number
  }
}

/// One entry of the system keyspace, as a reader takes it.
package enum SystemEntry {
  case keyspace(name: String, KeyspaceRecord)
  /// All numbers below it have been given out.
  case nextNumber(UInt32)

  /// - Parameter key: the user's part, without the keyspace number.
  /// - Throws: the offset is that within the key or the value.
  package init(key: ByteView, value: ByteView) throws(FormatError) {
    if SystemKeyspace.nextNumberKey.withByteView({ $0 == key }) {
      self = .nextNumber(try SystemKeyspace.decodeNextNumber(value))
    } else {
      self = .keyspace(
        name: try SystemKeyspace.name(inKey: key), try KeyspaceRecord(decoding: value))
    }
  }

  /// Checks an entry of any keyspace: one of the system keyspace must be readable.
  ///
  /// - Parameter key: with the keyspace number.
  /// - Throws: at `offset`, where the entry stands.
  package static func check(
    _ kind: EntryKind, key: ByteView, value: ByteView, at offset: UInt64
  ) throws(FormatError) {
    guard key.uint32(at: 0) == SystemKeyspace.number, kind != .delete else { return }
    do throws(FormatError) {
      _ = try SystemEntry(key: key.dropping(Limits.keyspacePrefixBytes), value: value)
    } catch {
      throw FormatError(error.structure, error.fault, at: offset)
    }
  }
}
