@testable import VarveCLI

/// Input from memory, in pieces of a chosen size, so that every boundary can be tried.
struct MemorySource: ChunkSource {
  private var rest: ArraySlice<UInt8>
  private let pieceBytes: Int

  init(_ bytes: [UInt8], pieceBytes: Int = 1 << 20) {
    rest = bytes[...]
    self.pieceBytes = pieceBytes
  }

  init(_ text: String, pieceBytes: Int = 1 << 20) {
    self.init(Array(text.utf8), pieceBytes: pieceBytes)
  }

  mutating func next(into chunk: inout [UInt8]) throws {
    chunk = Array(rest.prefix(pieceBytes))
    rest = rest.dropFirst(pieceBytes)
  }
}

/// Everything a reader yields.
func records(_ reader: some RecordReader) throws -> [ImportRecord] {
  var reader = reader
  var record = ImportRecord()
  var all: [ImportRecord] = []
  while try reader.next(into: &record) { all.append(record) }
  return all
}

/// The error a body ends with, if it is one of input.
func inputError(_ body: () throws -> Void) -> InputError? {
  do {
    try body()
    return nil
  } catch {
    return error as? InputError
  }
}
