import Varve
import VarveFormat

/// Dumps a segment as an examination walks it.
struct SegmentDump: SegmentVisitor {
  private let writer: DumpWriter
  private var dataBlocks: SegmentSection?

  private init(_ writer: DumpWriter) { self.writer = writer }

  static func run(_ bytes: ByteView, _ writer: DumpWriter) {
    var examination = SegmentExamination(bytes, visitor: SegmentDump(writer))
    examination.run()
  }

  mutating func damage(_ error: FormatError) { writer.damage(error) }

  mutating func visit(header: FileHeader) { writer.write(.header(header)) }

  mutating func visit(footer: SegmentFooter) {
    for section in footer.sections {
      var item = DumpItem("section", at: section.offset, length: section.length)
      item.add("type", section.kind.map(Self.title) ?? "unknown (\(section.type))")
      if section.kind?.isCheckedInParts != true {
        item.add("checksum", hex: UInt64(section.checksum), digits: 8)
      }
      writer.write(item)
    }
  }

  private static func title(of kind: SegmentSection.Kind) -> String {
    switch kind {
    case .dataBlocks: "data blocks"
    case .filter: "filter"
    case .indexLeaves: "index leaves"
    case .indexTop: "index top"
    case .properties: "properties"
    }
  }
}

// MARK: - Properties, filter, index

extension SegmentDump {
  mutating func visit(properties: SegmentProperties, in section: SegmentSection) {
    var item = DumpItem("properties", at: section.offset, length: section.length)
    item.add("entries", properties.entryCount)
    item.add("deletes", properties.deleteCount)
    item.add("pointers", properties.pointerCount)
    item.add("keys", properties.keyCount)
    item.add("raw bytes", properties.rawBytes)
    item.add("stored bytes", properties.storedBytes)
    item.add("full bytes", properties.fullBytes)
    item.add("first sequence", properties.smallestSequence.rawValue)
    item.add("last sequence", properties.largestSequence.rawValue)
    if properties.expiringCount > 0 {
      item.add("expiring", properties.expiringCount)
      item.add("earliest expiry", properties.earliestExpiry)
      item.add("latest expiry", properties.latestExpiry)
    }
    item.add("blocks", properties.blockCount)
    for (codec, count) in zip(Codec.allCases, properties.codecBlocks) where count > 0 {
      item.add("\(codec) blocks", count)
    }
    item.add("longest delete run", properties.longestDeleteRun)
    item.add("smallest key", properties.smallestKey)
    item.add("largest key", properties.largestKey)
    writer.write(item)
    for reference in properties.valueReferences { writer.write(.reference(reference)) }
  }

  mutating func visit(filter: Filter, in section: SegmentSection) {
    var item = DumpItem("filter", at: section.offset, length: section.length)
    item.add("keys", filter.keyCount)
    let bits = Double(section.length) * 8 / Double(max(1, filter.keyCount))
    item.add("bits a key", Quantity.decimal(bits, places: 1))
    writer.write(item)
  }

  mutating func visit(node: IndexNode, at handle: BlockHandle?) {
    guard writer.showsBlocks || handle == nil else { return }
    var item = DumpItem(
      handle == nil ? "index top" : "index leaf", at: node.base, length: UInt64(node.bytes.count))
    item.add("items", node.count)
    item.add("first block", node.firstNumber)
    item.add("shared prefix", node.prefix.array)
    writer.write(item)
  }
}

// MARK: - Blocks

extension SegmentDump {
  mutating func visit(
    block: DataBlock, at handle: BlockHandle, item index: Int, of leaf: IndexNode
  ) {
    if writer.showsBlocks { show(block, handle, index, leaf) }
    do throws(FormatError) { try showEntries(block) } catch { writer.damage(error) }
  }

  private func show(_ block: DataBlock, _ handle: BlockHandle, _ index: Int, _ leaf: IndexNode) {
    var item = DumpItem("block", at: handle.offset, length: UInt64(handle.storedCount), depth: 1)
    item.add("number", handle.number)
    item.add("entries", block.count)
    item.add("codec", "\(handle.codec)")
    if handle.codec != .none { item.add("full bytes", handle.fullCount) }
    item.add("checksum", hex: UInt64(handle.checksum), digits: 8)
    item.add("alignment", block.alignment)
    item.add("shared prefix", block.prefix.array)
    // The examination has looked at this very separator before.
    if let separator = try? leaf.separator(at: index) {
      item.add("separator", leaf.prefix.array + separator.rest.array)
      if let sequence = separator.sequence { item.add("separator sequence", sequence.rawValue) }
    }
    writer.write(item)
  }

  /// Decodes every entry, shown or not: one that breaks is worth a line in any case.
  private func showEntries(_ block: DataBlock) throws(FormatError) {
    let prefix = block.prefix.array
    for index in 0..<block.count {
      let entry = try block.entry(at: index)
      guard writer.detail.entries else { continue }
      let key = prefix + entry.suffix.array
      let item = key.withByteView { key in
        DumpItem.entry(
          key: key, sequence: entry.sequence, kind: entry.kind, expiry: entry.expiry,
          value: entry.value)
      }
      writer.write(item)
    }
  }
}

extension DumpItem {
  static func reference(_ reference: ValueReference) -> DumpItem {
    var item = DumpItem("values in", depth: 1)
    item.add("file", "\(FileName(.values, reference.file))")
    item.add("values", reference.count)
    item.add("stored bytes", reference.bytes)
    return item
  }
}
