import VarveFormat
import VarvePlatform

@testable import Varve

extension FuzzTarget {
  /// A data block as it is searched, uncompressed.
  static let block = FuzzTarget("block", upTo: 16 << 10, sign: { $0.repairBlock() }) { bytes in
    BlockExam.run(bytes)
  }

  static let lz4Block = compressedBlock("block-lz4", .lz4)
  static let zstdBlock = compressedBlock("block-zstd", .zstd)

  /// A block as it is stored, behind its full length as a u32.
  private static func compressedBlock(_ name: String, _ codec: Codec) -> FuzzTarget {
    FuzzTarget(
      name, upTo: 8 << 10,
      change: { bytes, change in Recompression(codec).change(&bytes, &change) },
      read: { bytes in
        let full = accepted(bytes, at: 64) { () throws(FormatError) in
          try Decompressor().decompress(
            bytes.dropping(4), codec, fullCount: Int(bytes.uint32(at: 0) ?? 0),
            limit: Recompression.limit, at: 64)
        }
        guard let full else { return }
        defer { withExtendedLifetime(full) {} }
        promise(full.capacity == Int(bytes.uint32(at: 0) ?? 0), "another length was decoded")
        BlockExam.run(full.view())
      })
  }
}

/// Decodes every entry of a block, and looks for each where the block is as it should be.
enum BlockExam {
  static func run(_ bytes: ByteView) {
    let block = accepted(bytes, at: 64) { () throws(FormatError) in
      try DataBlock(decoding: bytes, at: 64)
    }
    guard let block else { return }
    var entries: [SeenEntry] = []
    let prefix = block.prefix.array
    var isSorted = true
    for index in 0..<block.count {
      let entry = accepted(bytes, at: 64) { () throws(FormatError) in try block.entry(at: index) }
      guard let entry else { continue }
      promise(prefix.count + entry.suffix.count <= Limits.engineKeyBytes, "a key is too long")
      let key = prefix + entry.suffix.array
      let seen = key.withByteView { key in
        SeenEntry(
          EntryView(
            key: key, sequence: entry.sequence, kind: entry.kind, expiry: entry.expiry,
            value: entry.value))
      }
      isSorted = isSorted && isAsItShould(block, index, entry, seen, after: entries.last)
      entries.append(seen)
    }
    search(block, bytes, for: entries, isSorted: isSorted && entries.count == block.count)
  }

  private static func isAsItShould(
    _ block: DataBlock, _ index: Int, _ entry: BlockEntry, _ seen: SeenEntry,
    after last: SeenEntry?
  ) -> Bool {
    let slot = try? block.slot(at: index)
    return slot.map { $0 >> 16 } == DataBlock.head(of: entry.suffix)
      && block.tag(at: index) == seen.tag && last.map { $0 < seen } ?? true
      // Two that begin at the same place would be one entry, in whatever order.
      && (index == 0 || (try? block.slot(at: index - 1)) ?? .max < slot ?? 0)
  }

  private static func search(
    _ block: DataBlock, _ bytes: ByteView, for entries: [SeenEntry], isSorted: Bool
  ) {
    for (index, entry) in entries.prefix(300).enumerated() {
      entry.key.withByteView { key in
        let found = accepted(bytes, at: 64) { () throws(FormatError) in
          try block.find(key, tag: entry.tag, at: entry.sequence)
        }
        let place = accepted(bytes, at: 64) { () throws(FormatError) in
          try block.lowerBound(key, entry.sequence)
        }
        promise(place ?? 0 <= block.count, "a place outside of the block")
        guard isSorted else { return }
        promise(found??.sequence == entry.sequence, "an entry is not found")
        promise(found??.value.array == entry.value, "an entry is found with another value")
        promise(place == index, "an entry is looked for elsewhere")
      }
    }
  }
}

extension SeenEntry {
  /// The top byte of the key's hash.
  var tag: UInt8 {
    UInt8(truncatingIfNeeded: key.withByteView(XXH64.hash(of:)) >> 56)
  }
}
