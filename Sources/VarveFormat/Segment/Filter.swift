// A Bloom filter in blocks of one cache line: the key's hash picks a block and a few bits in it. A key
// whose bits are not all set is not in the segment; one load from memory answers most misses.
//
//  0  block count  u32, at least 1
//  4  probes       u8, bits a key sets, 1...16
//  5  reserved     3 bytes, zero
//  8  key count    u64, distinct keys that were added
// 16  reserved     48 bytes, zero
// 64  blocks       of 64 bytes: bit b is bit b % 8 of byte b / 8
//
// Of the XXH64 h of a key: its block is (h >> 32) * block count >> 32; its bits are the top nine bits
// of h * m, h * m * m, ... modulo 2^64, with m = 0x9E3779B97F4A7C15 (2^64 / golden ratio, made odd).

import CVarveShims

/// A view of a segment's filter.
@frozen
@usableFromInline
package struct Filter: Sendable {
  package static let headerByteCount = 64
  package static let blockByteCount = 64
  package static let maximumProbes = 16
  @usableFromInline static var multiplier: UInt64 { @inlinable get { 0x9E37_79B9_7F4A_7C15 } }

  @usableFromInline let blocks: ByteView
  @usableFromInline let blockCount: UInt64
  @usableFromInline let probes: Int
  /// How many distinct keys were added.
  package let keyCount: UInt64

  package init(decoding bytes: ByteView, at base: UInt64) throws(FormatError) {
    var reader = ByteReader(bytes, .filter, at: base)
    blockCount = UInt64(try reader.uint32())
    probes = Int(try reader.uint8())
    try reader.zeros(3, "reserved bytes")
    keyCount = try reader.uint64()
    try reader.zeros(48, "reserved bytes")
    guard blockCount >= 1 else { throw FormatError(.filter, .value("block count"), at: base) }
    guard 1...Self.maximumProbes ~= probes else {
      throw FormatError(.filter, .value("probes"), at: base &+ 4)
    }
    // Below 2^32 blocks, so the product cannot overflow.
    blocks = try reader.view(Int(blockCount) &* Self.blockByteCount)
    try reader.end()
  }

  /// Begins to bring near what ``mayContain(_:)`` looks at.
  package func prefetch(_ hash: UInt64) { unsafe varve_prefetch(blocks.start + block(of: hash)) }

  /// Where the block of a hash begins.
  @inlinable
  func block(of hash: UInt64) -> Int {
    Int(truncatingIfNeeded: ((hash >> 32) &* blockCount) >> 32) &* 64
  }

  /// False where no key with this XXH64 is in the segment; true where one may be.
  @inlinable
  package func mayContain(_ hash: UInt64) -> Bool {
    // All of its blocks lie inside: that was checked when the filter was made.
    let block = unsafe blocks.start + block(of: hash)
    var state = hash
    var isSet: UInt64 = 1
    var probe = 0
    // All of them, whatever the first ones say: a branch that goes both ways costs more than they do.
    while probe < probes {
      state = state &* Self.multiplier
      let bit = Int(truncatingIfNeeded: state >> 55)
      let word = unsafe UInt64(
        littleEndian: block.loadUnaligned(fromByteOffset: bit &>> 6 &* 8, as: UInt64.self))
      isSet &= word &>> UInt64(truncatingIfNeeded: bit)
      probe &+= 1
    }
    return isSet & 1 == 1
  }
}

/// Collects the hashes of a segment's keys, eight bytes each, and lays the filter out.
///
/// A class, because it is called for every key that is flushed or compacted.
package final class FilterBuilder {
  /// At most 32; zero where no filter is wanted.
  package private(set) var bitsPerKey: Int
  private let hashes = RecordHeap<UInt64>(capacity: 4096)

  /// - Parameter bitsPerKey: 0...32. Ten give about one false answer in a hundred.
  package init(bitsPerKey: Int) { self.bitsPerKey = max(0, min(bitsPerKey, 32)) }

  /// Gives every key, those added before too, at least so many bits.
  package func raise(bitsPerKey: Int) {
    self.bitsPerKey = max(self.bitsPerKey, min(bitsPerKey, 32))
  }

  package var keyCount: Int { hashes.count }

  /// Adds a key that was not added before, by its XXH64.
  package func add(_ hash: UInt64) { hashes.append(hash) }

  package func encoded() -> [UInt8] {
    let wanted = (UInt64(hashes.count) * UInt64(bitsPerKey) + 511) / 512
    let blockCount = max(1, min(wanted, UInt64(UInt32.max)))
    // ln 2 bits of each key's share, less one: keys fall unevenly into blocks this small.
    let probes = max(1, min(bitsPerKey * 69 / 100, Filter.maximumProbes))
    var writer = ByteWriter(reserving: Filter.headerByteCount)
    writer.uint32(UInt32(blockCount))
    writer.uint8(UInt8(probes))
    writer.zeros(3)
    writer.uint64(UInt64(hashes.count))
    writer.zeros(48)
    return writer.bytes + blocks(blockCount, probes)
  }

  private func blocks(_ count: UInt64, _ probes: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(count) * Filter.blockByteCount)
    for index in 0..<hashes.count {
      let hash = hashes[index]
      let block = Int(((hash >> 32) * count) >> 32) * Filter.blockByteCount
      var state = hash
      for _ in 0..<probes {
        state = state &* Filter.multiplier
        let bit = Int(state >> 55)
        bytes[block + bit / 8] |= 1 << UInt8(bit % 8)
      }
    }
    return bytes
  }
}
