import VarveFormat

extension Signed {
  /// Gives each entry of an uncompressed block the tag and the head that its key has: what a reader
  /// believes without a look at the key.
  mutating func repairBlock() {
    let bytes = bytes
    bytes.withByteView { view in
      guard let block = try? DataBlock(decoding: view, at: 0) else { return }
      let prefix = block.prefix.array
      for index in 0..<block.count {
        guard let entry = try? block.entry(at: index) else { continue }
        let key = prefix + entry.suffix.array
        let hash = key.withByteView(XXH64.hash(of:))
        put(UInt8(truncatingIfNeeded: hash >> 56), at: DataBlock.headerByteCount + index)
        let head = UInt16(truncatingIfNeeded: DataBlock.head(of: entry.suffix))
        put(head, at: DataBlock.headerByteCount + block.count + 4 * index + 2)
      }
    }
  }
}
