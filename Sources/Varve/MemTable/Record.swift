import CVarveShims
import VarveFormat

/// One version of one key in the memtable's arena: bytes that never change once published.
///
/// ```
///  -32  depth      u64  versions before this one      only where there are any;
///  -24  older      u64  address of the one before     8 bytes further down
///  -16  jump       u64  address of one farther back   without an expiry
///   -8  expiry     u64  only where there is one
///    0  tag        u64  sequence << 8 | flags | kind
///    8  key count  u32
///   12  value count u32
///   16  key, zeros up to a multiple of 8, value
/// ```
///
/// Versions of a key form a list, newest first. `jump` makes it a skew-binary list (E. Myers, "An
/// applicative random-access stack", 1983): reaching the version at some depth or sequence takes
/// logarithmic steps, so an old snapshot reads a key overwritten a million times as fast as any.
@safe
struct Record: Equatable {
  /// Where the tag lies; a multiple of 8.
  let start: UnsafeRawPointer

  private static let headerBytes = 16
  private static let linkBytes = 24
  private static let expiryBytes = 8
  private static let kindMask: UInt64 = 0x0f
  private static let expiryFlag: UInt64 = 0x10
  private static let olderFlag: UInt64 = 0x20

  private init(at start: UnsafeRawPointer) { unsafe self.start = start }

  /// The record at an address that `address` gave; nil for zero, which is no record.
  init?(address: UInt64) {
    guard let start = unsafe UnsafeRawPointer(bitPattern: UInt(address)) else { return nil }
    unsafe self.start = start
  }

  var address: UInt64 { unsafe UInt64(UInt(bitPattern: start)) }

  static func == (left: Record, right: Record) -> Bool { left.address == right.address }
}

// MARK: - Reading

// Every load below lies inside the record: `Record.init(_:older:in:)` laid it out so, and the arena
// outlives all who hold the address.
extension Record {
  private var tag: UInt64 { unsafe start.load(as: UInt64.self) }

  private var keyCount: Int { unsafe Int(start.load(fromByteOffset: 8, as: UInt32.self)) }

  private var valueCount: Int { unsafe Int(start.load(fromByteOffset: 12, as: UInt32.self)) }

  var sequence: SequenceNumber { SequenceNumber(tag >> 8) }

  var key: ByteView {
    unsafe ByteView(unsafeStart: start + Self.headerBytes, count: keyCount)
  }

  var entry: EntryView {
    let tag = tag
    guard let kind = EntryKind(rawValue: UInt8(tag & Self.kindMask)) else {
      preconditionFailure("a record without a kind")
    }
    let keyCount = keyCount
    let value = unsafe ByteView(
      unsafeStart: start + Self.valueOffset(keyCount: keyCount), count: valueCount)
    return EntryView(
      key: unsafe ByteView(unsafeStart: start + Self.headerBytes, count: keyCount),
      sequence: SequenceNumber(tag >> 8), kind: kind,
      expiry: tag & Self.expiryFlag == 0
        ? 0 : unsafe start.load(fromByteOffset: -Self.expiryBytes, as: UInt64.self),
      value: value)
  }

  /// Begins to bring the record's first bytes near.
  func prefetch() { unsafe varve_prefetch(start) }

  /// The bytes of key and value: what the entry weighs in a segment, nearly.
  var dataBytes: Int { keyCount &+ valueCount }

  private static func valueOffset(keyCount: Int) -> Int { (headerBytes &+ keyCount &+ 7) & ~7 }
}

// MARK: - Making

extension Record {
  /// Copies an entry into the arena, linked before `older`, the newest version so far.
  init(_ entry: EntryView, older: Record?, in arena: Arena) {
    precondition(entry.key.count <= Limits.engineKeyBytes)
    precondition(entry.value.count <= Limits.valueBytes)
    let expiryBytes = entry.expiry == 0 ? 0 : Self.expiryBytes
    let before = expiryBytes &+ (older == nil ? 0 : Self.linkBytes)
    let valueOffset = Self.valueOffset(keyCount: entry.key.count)
    let memory = unsafe arena.allocate(before &+ valueOffset &+ entry.value.count)
    // `before` bytes precede the tag; header, key and value end where the piece does.
    let start = unsafe memory + before
    var tag = entry.sequence.rawValue << 8 | UInt64(entry.kind.rawValue)
    if expiryBytes != 0 {
      tag |= Self.expiryFlag
      unsafe (start - Self.expiryBytes).storeBytes(of: entry.expiry, as: UInt64.self)
    }
    if let older {
      tag |= Self.olderFlag
      unsafe (memory).storeBytes(of: older.depth &+ 1, as: UInt64.self)
      unsafe (memory + 8).storeBytes(of: older.address, as: UInt64.self)
      unsafe (memory + 16).storeBytes(of: Self.jump(from: older).address, as: UInt64.self)
    }
    unsafe start.storeBytes(of: tag, as: UInt64.self)
    unsafe (start + 8).storeBytes(of: UInt32(entry.key.count), as: UInt32.self)
    unsafe (start + 12).storeBytes(of: UInt32(entry.value.count), as: UInt32.self)
    unsafe (start + Self.headerBytes).copyMemory(
      from: entry.key.start, byteCount: entry.key.count)
    unsafe (start + valueOffset).copyMemory(from: entry.value.start, byteCount: entry.value.count)
    unsafe self.init(at: UnsafeRawPointer(start))
  }

  /// Where the version after `older` jumps to: as far as `older` jumps twice, if both leaps are of
  /// one length, else to `older` itself.
  private static func jump(from older: Record) -> Record {
    guard let near = older.links?.jump else { return older }
    let far = near.links?.jump ?? near
    return older.depth &- near.depth == near.depth &- far.depth ? far : older
  }
}

// MARK: - Versions

extension Record {
  private var links: (older: Record, jump: Record)? {
    let tag = tag
    guard tag & Self.olderFlag != 0 else { return nil }
    let end = tag & Self.expiryFlag == 0 ? 0 : -Self.expiryBytes
    let older = unsafe start.load(fromByteOffset: end &- 16, as: UnsafeRawPointer.self)
    let jump = unsafe start.load(fromByteOffset: end &- 8, as: UnsafeRawPointer.self)
    return (unsafe Record(at: older), unsafe Record(at: jump))
  }

  /// How many versions of the key came before.
  private var depth: UInt64 {
    let tag = tag
    guard tag & Self.olderFlag != 0 else { return 0 }
    let end = tag & Self.expiryFlag == 0 ? 0 : -Self.expiryBytes
    return unsafe start.load(fromByteOffset: end &- Self.linkBytes, as: UInt64.self)
  }

  /// The version before this one.
  var older: Record? { links?.older }

  /// The newest version at or below `sequence`, from this one back.
  func version(at sequence: SequenceNumber) -> Record? {
    var record = self
    while record.sequence > sequence {
      guard let links = record.links else { return nil }
      record = links.jump.sequence > sequence ? links.jump : links.older
    }
    return record
  }

  /// The oldest version above `sequence`, from this one back; this one must be above it.
  func oldest(above sequence: SequenceNumber) -> Record {
    var record = self
    while let links = record.links {
      if links.jump.sequence > sequence {
        record = links.jump
      } else if links.older.sequence > sequence {
        record = links.older
      } else {
        break
      }
    }
    return record
  }

  /// The version that followed `record`, whose newest one is this; nil when that is `record`.
  func version(after record: Record) -> Record? {
    guard record != self else { return nil }
    return version(atDepth: record.depth &+ 1)
  }

  /// The first version of all.
  var oldest: Record { version(atDepth: 0) }

  private func version(atDepth depth: UInt64) -> Record {
    var record = self
    while record.depth > depth, let links = record.links {
      record = links.jump.depth >= depth ? links.jump : links.older
    }
    return record
  }
}
