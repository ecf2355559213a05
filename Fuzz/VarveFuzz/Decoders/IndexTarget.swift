import VarveFormat

extension FuzzTarget {
  /// A node of the block index, behind a byte for its level.
  static let index = FuzzTarget("index", upTo: 8 << 10) { bytes in
    let level: IndexNode.Level = bytes.byte(at: 0) == 1 ? .top : .leaf
    let node = accepted(bytes, at: 64) { () throws(FormatError) in
      try IndexNode(decoding: bytes.dropping(1), level, at: 64)
    }
    if let node { IndexExam(node, bytes).run() }
  }
}

/// Looks at every item of an index node, and for it where separators are as they should be.
struct IndexExam {
  private struct Item {
    var rest: ByteView
    var sequence: SequenceNumber?
  }

  private let node: IndexNode
  private let bytes: ByteView

  init(_ node: IndexNode, _ bytes: ByteView) {
    self.node = node
    self.bytes = bytes
  }

  func run() {
    var items: [Item] = []
    var isSorted = true
    for index in 0..<node.count {
      if let handle = taken({ () throws(FormatError) in try node.handle(at: index) }) {
        check(handle)
      }
      guard let item = item(index) else {
        isSorted = false
        continue
      }
      isSorted = isSorted && isAsItShould(item, index, after: items.last)
      items.append(item)
    }
    for (index, item) in items.prefix(300).enumerated() { search(item, isSorted ? index : nil) }
  }

  private func taken<Result>(_ body: () throws(FormatError) -> Result) -> Result? {
    accepted(bytes, at: 64, body)
  }

  private func check(_ handle: BlockHandle) {
    promise(handle.itemCount > 0 && handle.end >= handle.offset, "a handle that overflows")
    let most = node.level == .top ? Limits.indexLeafBytes : Limits.loneBlockBytes
    promise(Int(handle.fullCount) <= most, "a handle of too many bytes")
    promise(handle.storedCount <= handle.fullCount, "a handle of more stored bytes than bytes")
  }

  private func item(_ index: Int) -> Item? {
    taken { () throws(FormatError) in
      let separator = try node.separator(at: index)
      return Item(rest: separator.rest, sequence: separator.sequence)
    }
  }

  private func isAsItShould(_ item: Item, _ index: Int, after last: Item?) -> Bool {
    guard (try? node.sortNumber(at: index)) == item.rest.sortPrefix else { return false }
    guard let last else { return true }
    let order = last.rest.compare(item.rest)
    guard order == 0 else { return order < 0 }
    guard let before = last.sequence else { return false }
    return item.sequence.map { $0 < before } ?? true
  }

  /// A separator's own place is found, where all are in order.
  private func search(_ item: Item, _ index: Int?) {
    let key = node.prefix.array + item.rest.array
    let place = key.withByteView { key in
      taken { () throws(FormatError) in try node.lowerBound(key, item.sequence ?? .zero) }
    }
    promise(place ?? 0 <= node.count, "a place outside of the node")
    if let index { promise(place == index, "a separator is looked for elsewhere") }
  }
}
