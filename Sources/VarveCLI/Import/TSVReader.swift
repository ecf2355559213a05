import VarveFormat

/// Reads entries from lines of a key, a tab, and a value.
///
/// The first tab of a line separates; everything else is taken as it stands, with no escapes and no
/// quotes. So a key holds neither tab nor line feed, a value no line feed; JSON Lines carry those.
/// Empty lines are passed over.
struct TSVReader: RecordReader {
  private var lines: LineReader
  private var text: [UInt8] = []

  init(_ source: any ChunkSource) { lines = LineReader(source) }

  var offset: UInt64 { lines.offset }
  var line: UInt64 { lines.line }

  mutating func next(into record: inout ImportRecord) throws -> Bool {
    record.removeAll()
    repeat {
      guard try lines.next(into: &text, limit: Limits.keyBytes + 1 + Limits.valueBytes) else {
        return false
      }
    } while text.isEmpty
    guard let tab = text.firstIndex(of: 0x09) else {
      throw InputError(line: line, column: 0, message: "no tab between key and value")
    }
    guard tab <= Limits.keyBytes else {
      throw InputError(
        line: line, column: 1,
        message: "a key of \(tab) bytes; at most \(Limits.keyBytes) are allowed")
    }
    record.key.append(contentsOf: text[..<tab])
    record.value.append(contentsOf: text[(tab + 1)...])
    return true
  }
}
