import Varve
import VarveFormat

/// One SHA-256 over what a store holds, whatever files it lies in: equal contents, equal digest.
///
/// What is hashed, all numbers little-endian:
///
/// ```
/// for each keyspace that has a live entry, in the order of the names' bytes
///   01  u32 length of the name  name
///   for each live entry, in the order of keys
///     02  u32 length of the key  key  u64 length of the value  value
/// ```
///
/// The digest of one keyspace hashes its entries alone, without the name. Policies, expiry times,
/// sequence numbers and empty keyspaces take no part. Spec: directory.md, "Digest of the contents".
struct StoreDigest {
  private static let pieceBytes = 64 << 10

  private var sum = SHA256()
  /// Small parts are gathered, so that hashing runs over long pieces.
  private var pending: [UInt8] = []
  private(set) var entryCount: UInt64 = 0
  /// Bytes of keys and values.
  private(set) var byteCount: UInt64 = 0

  /// Takes in a keyspace as `snapshot` sees it.
  mutating func add(_ keyspace: Keyspace, at snapshot: Snapshot, named: Bool) throws {
    var cursor = try keyspace.cursor(at: snapshot)
    var needsName = named
    while try cursor.next() {
      if needsName { begin(keyspace.name) }
      needsName = false
      add(cursor.key, cursor.value)
    }
  }

  private mutating func begin(_ name: String) {
    pending.append(1)
    append(UInt32(name.utf8.count))
    pending.append(contentsOf: name.utf8)
  }

  mutating func add(_ key: Span<UInt8>, _ value: Span<UInt8>) {
    pending.append(2)
    append(UInt32(key.count))
    append(key)
    append(UInt64(value.count))
    append(value)
    entryCount += 1
    byteCount += UInt64(key.count) + UInt64(value.count)
  }

  private mutating func append(_ number: some FixedWidthInteger) {
    for shift in stride(from: 0, to: number.bitWidth, by: 8) {
      pending.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  private mutating func append(_ bytes: Span<UInt8>) {
    if bytes.count >= Self.pieceBytes {
      drain()
      bytes.withByteView { sum.append($0) }
      return
    }
    pending.append(contentsOf: [UInt8](copying: bytes))
    if pending.count >= Self.pieceBytes { drain() }
  }

  private mutating func drain() {
    pending.withByteView { sum.append($0) }
    pending.removeAll(keepingCapacity: true)
  }

  /// The digest of all so far, as 64 digits.
  mutating func finish() -> String {
    drain()
    return Hexadecimal.text(sum.digest())
  }
}
