import VarveFormat
import VarveTestSupport

@testable import Varve

/// One file of a store that is changed at random and then signed again, so that what lies behind the
/// checksums is reached.
struct FileForger {
  let kind: FileName.Kind
  let sound: [UInt8]
  /// Where changes are made: every part as likely, however long it is.
  private(set) var parts: [Range<Int>] = []
  private let segment: SegmentForger?
  /// Offsets of the records of a log or value file.
  private var records: [Int] = []

  init(_ kind: FileName.Kind, _ sound: [UInt8]) throws {
    self.kind = kind
    self.sound = sound
    let header = try sound.withByteView { try FileHeader(decoding: $0, as: kind) }
    segment = kind == .segment ? try SegmentForger(sound, id: header.identity) : nil
    parts = [0..<64, 64..<sound.count]
    switch kind {
    case .manifest: parts += [64..<sound.count, 64..<sound.count]
    case .log: try findRecords(ofLog: header)
    case .values: try findRecords(ofValues: header)
    case .segment: findParts()
    }
  }

  private mutating func findRecords(ofLog header: FileHeader) throws {
    let identity = LogIdentity(number: header.number, salt: header.identity.low)
    sound.withByteView { bytes in
      var reader = LogReader(bytes, identity: identity)
      while let record = reader.next() {
        let (offset, end) = (Int(record.offset), Int(record.end))
        let payload = offset + Self.headerBytes(ofLogRecord: bytes.byte(at: offset + 12) ?? 0)
        records.append(offset)
        parts += [offset..<payload, payload..<end].filter { !$0.isEmpty }
      }
    }
  }

  private mutating func findRecords(ofValues header: FileHeader) throws {
    try sound.withByteView { bytes in
      var walk = ValueFileWalk(id: header.identity, size: UInt64(bytes.count))
      while !walk.isAtEnd {
        let window = bytes.dropping(Int(walk.position)).prefix(walk.windowCount)
        let offset = Int(try walk.next(window).header)
        records.append(offset)
        parts.append(offset..<offset + 32)
      }
    }
  }

  private mutating func findParts() {
    guard let segment else { return }
    for kind in SegmentSection.Kind.allCases {
      if let section = segment.section(kind) { parts.append(section.range) }
    }
    parts.append(segment.tableAt..<sound.count)
    parts += segment.leaves.map(\.range)
    parts += segment.blocks.prefix(8).map { $0.range.lowerBound..<$0.range.lowerBound + 48 }
    parts += segment.blocks.prefix(8).map(\.range)
  }

  /// A forged file of this kind.
  func forged(_ mutator: inout Mutator) -> [UInt8] {
    if var segment {
      mutator.change(&segment.bytes, in: parts)
      segment.sign()
      return segment.bytes
    }
    var bytes = sound
    mutator.change(&bytes, in: parts)
    if mutator.random.below(8) == 0, kind != .values {
      bytes.removeLast(mutator.random.below(min(80, bytes.count - 64)))
      bytes += [UInt8](repeating: 0, count: 16 * mutator.random.below(3))
    }
    sign(&bytes, keepsLength: mutator.random.below(16) != 0)
    return bytes
  }
}

// MARK: - Signing

extension FileForger {
  private func sign(_ bytes: inout [UInt8], keepsLength: Bool) {
    put(sum(bytes[..<60]), at: 60, &bytes)
    switch kind {
    case .manifest: signManifest(&bytes, keepsLength)
    case .log: for record in records { signRecord(ofLog: &bytes, at: record) }
    case .values: for record in records { signRecord(ofValues: &bytes, at: record) }
    case .segment: break
    }
  }

  private func signManifest(_ bytes: inout [UInt8], _ keepsLength: Bool) {
    guard bytes.count >= 76 else { return }
    if keepsLength { put(UInt32(bytes.count - 76), at: 64, &bytes) }
    let end = bytes.count - 4
    let context = [number(24, bytes), number(32, bytes), number(40, bytes)]
    put(sum(bytes[64..<end], after: context), at: end, &bytes)
  }

  private func signRecord(ofLog bytes: inout [UInt8], at offset: Int) {
    guard offset + 32 <= bytes.count else { return }
    let context = [number(24, bytes), number(32, bytes), UInt64(offset)]
    let payload = offset + Self.headerBytes(ofLogRecord: bytes[offset + 12])
    let isOfEntry = payload == offset + 24
    let count = Int(number(offset + 8, bytes) & (isOfEntry ? 0xffff : 0xffff_ffff))
    let end = min(bytes.count, payload + count)
    put(count == 0 ? 0 : sum(bytes[payload..<end], after: context), at: offset + 4, &bytes)
    put(sum(bytes[offset + 4..<payload], after: context), at: offset, &bytes)
  }

  /// An entry record has the shorter header: log.md, "Entry record".
  private static func headerBytes(ofLogRecord type: UInt8) -> Int { type & 0xf0 == 0x10 ? 24 : 32 }

  /// What nobody changed, signed: the same, or the signatures are not what the reader wants.
  var signedUnchanged: [UInt8] {
    if var segment {
      segment.sign()
      return segment.bytes
    }
    var bytes = sound
    sign(&bytes, keepsLength: true)
    return bytes
  }

  private func signRecord(ofValues bytes: inout [UInt8], at offset: Int) {
    let id = [number(32, bytes), number(40, bytes)]
    if bytes[offset] == 1 {
      let count = Int(min(number(offset + 8, bytes), UInt64(bytes.count - offset - 32)))
      let value = bytes[offset + 32..<offset + 32 + count]
      put(sum(value, after: id + [UInt64(offset) + 32]), at: offset + 4, &bytes)
    }
    put(sum(bytes[offset..<offset + 28], after: id + [UInt64(offset)]), at: offset + 28, &bytes)
  }

  private func sum(_ bytes: ArraySlice<UInt8>, after context: [UInt64] = []) -> UInt32 {
    var sum = CRC32C()
    for number in context { sum.append(number) }
    Array(bytes).withByteView { sum.append($0) }
    return sum.value
  }

  private func number(_ offset: Int, _ bytes: [UInt8]) -> UInt64 {
    bytes.withByteView { $0.uint64(at: offset) ?? 0 }
  }

  private func put(_ number: UInt32, at offset: Int, _ bytes: inout [UInt8]) {
    for index in 0..<4 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: number >> UInt32(8 * index))
    }
  }
}
