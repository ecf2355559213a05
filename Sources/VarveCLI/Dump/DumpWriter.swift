import VarveFormat

/// Takes the items of a dump and writes them as they come; remembers whether any was damage.
///
/// A visitor that cannot throw keeps the first failure to write; whoever drives it asks for it by
/// ``check()``.
final class DumpWriter {
  /// How much is shown.
  struct Detail {
    /// A line for each block, record and value.
    var blocks = false
    /// A line for each entry; takes blocks along.
    var entries = false
    var asJSON = false
    var asHex = false
  }

  let detail: Detail
  private let output: Output
  private let text: DumpText
  private(set) var damageCount = 0
  private var failure: (any Error)?

  init(_ output: Output, _ detail: Detail) {
    self.output = output
    self.detail = detail
    text = DumpText(style: output.style, asHex: detail.asHex)
  }

  var showsBlocks: Bool { detail.blocks || detail.entries }

  /// Begins the dump of one file.
  func begin(_ name: String, size: UInt64, kind: String) {
    var item = DumpItem("file")
    item.add("name", name)
    item.add("kind", kind)
    item.add("bytes", size)
    guard !detail.asJSON else { return write(item) }
    attempt {
      try output.write(line: output.style.bold("\(name): \(kind), \(Quantity.grouped(size)) bytes"))
      try output.write(line: output.style.faint(DumpText.heading))
    }
  }

  func write(_ item: DumpItem) {
    if item.isDamage { damageCount += 1 }
    attempt {
      if detail.asJSON {
        try output.write(json: { $0.item(item, asHex: detail.asHex) })
      } else {
        try output.write(line: text.line(item))
      }
    }
  }

  func damage(_ error: FormatError) { write(DumpItem(damage: error)) }

  /// Throws what went wrong while writing, if anything did.
  func check() throws {
    if let failure { throw failure }
  }

  private func attempt(_ body: () throws -> Void) {
    guard failure == nil else { return }
    do { try body() } catch { failure = error }
  }
}
