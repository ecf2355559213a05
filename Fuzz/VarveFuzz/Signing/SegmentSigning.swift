import VarveFormat

// Inside out: what a checksum covers may hold others.
//
//   blocks -> in leaves -> in the top -> in the section table -> in the tail

extension Signed {
  /// Signs every part of a segment that can be found from its end.
  mutating func signSegment() {
    signHeader(.segment)
    if isRepaired {
      put("VarveEnd", at: count - 8)
      put(UInt64(count), at: count - 32)
    }
    signSections(id)
    signFooter(id)
  }

  /// The section table and the tail, in which sections are named.
  mutating func signFooter(_ id: FileID) {
    let table = sectionTable
    put(UInt32(0), at: count - 20)
    put(checksum(of: table..<count, after: context(id, table)), at: count - 20)
  }

  private var sectionTable: Int {
    max(0, count - 32 - 32 * Int(min(uint32(at: count - 24), 64)))
  }

  private mutating func signSections(_ id: FileID) {
    for entry in stride(from: sectionTable, to: count - 32, by: 32) {
      let start = place(at: entry + 8)
      let range = start..<start + min(place(at: entry + 16), count - start)
      switch SegmentSection.Kind(rawValue: uint16(at: entry)) {
      case .indexTop: signNode(range, id, isTop: true)
      case .filter, .properties, nil: break
      case .dataBlocks, .indexLeaves: continue
      }
      put(checksum(of: range, after: context(id, start)), at: entry + 4)
    }
  }

  /// Signs what the items of an index node stand for: blocks, or leaves and so their blocks.
  private mutating func signNode(_ node: Range<Int>, _ id: FileID, isTop: Bool) {
    let items = Int(uint32(at: node.lowerBound))
    let first = node.lowerBound + 16 + 8 * items
    for index in 0..<min(items, node.count / 40) {
      let item = first + 32 * index
      let start = place(at: item)
      let range = start..<min(count, start + Int(uint32(at: item + 8)))
      if isTop { signNode(range, id, isTop: false) }
      put(checksum(of: range, after: context(id, start)), at: item + 16)
    }
  }
}
