import VarveFormat
import VarvePlatform

@testable import Varve

/// Parts of files that targets read on their own: batches, blocks, nodes, sections.
enum PartSeeds {
  static func add(
    partsOf file: [UInt8], _ kind: FileName.Kind, as name: String, to inputs: inout Inputs
  ) {
    file.withByteView { bytes in
      switch kind {
      case .log: addBatches(of: bytes, name, &inputs)
      case .segment: addParts(of: bytes, name, &inputs)
      case .values, .manifest: break
      }
    }
  }

  private static func addBatches(of bytes: ByteView, _ name: String, _ inputs: inout Inputs) {
    let identity = LogIdentity(number: bytes.uint64(at: 24) ?? 0, salt: bytes.uint64(at: 32) ?? 0)
    var reader = LogReader(bytes, identity: identity)
    while let record = reader.next() {
      guard record.type == .batch else { continue }
      inputs.add(record.payload.array, to: "batch", as: "\(name)-\(record.offset)")
    }
  }

  private static func addParts(of bytes: ByteView, _ name: String, _ inputs: inout Inputs) {
    var examination = SegmentExamination(bytes, visitor: PartVisitor(bytes, name, inputs))
    examination.run()
    inputs = examination.visitor.inputs
  }
}

/// Takes the parts of a segment as they come by.
private struct PartVisitor: SegmentVisitor {
  private let bytes: ByteView
  private let name: String
  var inputs: Inputs

  init(_ bytes: ByteView, _ name: String, _ inputs: Inputs) {
    self.bytes = bytes
    self.name = name
    self.inputs = inputs
  }

  mutating func damage(_ error: FormatError) {}

  mutating func visit(header: FileHeader) {}

  /// The same sections, without the bytes between them.
  mutating func visit(footer: SegmentFooter) {
    var sections = footer.sections
    for index in sections.indices {
      sections[index].offset = UInt64(64 * (index + 1))
      sections[index].length = 8
    }
    let start = 64 * (sections.count + 1)
    let footer = SegmentFooter(sections: sections)
      .encoded(at: UInt64(start), id: FuzzTarget.footerID)
    inputs.add([UInt8](repeating: 0, count: start) + footer, to: "footer", as: name)
  }

  mutating func visit(properties: SegmentProperties, in section: SegmentSection) {
    inputs.add(properties.encoded(), to: "properties", as: name)
  }

  mutating func visit(filter: Filter, in section: SegmentSection) {
    let part = bytes.dropping(Int(section.offset)).prefix(Int(section.length))
    inputs.add(part.array, to: "filter", as: name)
  }

  mutating func visit(node: IndexNode, at handle: BlockHandle?) {
    inputs.add([node.level.rawValue] + node.bytes.array, to: "index", as: name)
  }

  mutating func visit(
    block: DataBlock, at handle: BlockHandle, item index: Int, of leaf: IndexNode
  ) {
    let content = block.bytes.array
    inputs.add(content, to: "block", as: "\(name)-\(handle.number)")
    inputs.add(Recompression(.lz4).stored(content), to: "block-lz4", as: "\(name)-\(handle.number)")
    inputs.add(
      Recompression(.zstd).stored(content), to: "block-zstd", as: "\(name)-\(handle.number)")
  }
}
