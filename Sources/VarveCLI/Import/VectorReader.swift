import VarveFormat

/// Reads vectors: rows of little-endian float32 without any header, their keys from a second file
/// with one key a line, in the same order.
///
/// ```
/// FILE    row 1: dimension x 4 bytes | row 2 | row 3 ...
/// --keys  key 1 \n key 2 \n key 3 ...
/// ```
struct VectorReader: RecordReader {
  private var rows: ByteStream
  private var keys: LineReader
  private let rowBytes: Int
  private(set) var line: UInt64 = 0

  init(rows: any ChunkSource, keys: any ChunkSource, dimension: Int) {
    self.rows = ByteStream(rows)
    self.keys = LineReader(keys)
    rowBytes = dimension * 4
  }

  var offset: UInt64 { rows.offset }

  mutating func next(into record: inout ImportRecord) throws -> Bool {
    record.removeAll()
    let hasKey = try keys.next(into: &record.key, limit: Limits.keyBytes)
    try readRow(into: &record.value)
    if record.value.isEmpty, !hasKey { return false }
    line += 1
    guard !record.value.isEmpty else { throw wrong("a key but no row of numbers") }
    guard record.value.count == rowBytes else {
      throw wrong("the row has \(record.value.count) of \(rowBytes) bytes; is --dimension right?")
    }
    guard hasKey else { throw wrong("a row of numbers but no key") }
    return true
  }

  private mutating func readRow(into row: inout [UInt8]) throws {
    while row.count < rowBytes, try rows.peek() != nil {
      let count = min(rowBytes - row.count, rows.chunk.count - rows.index)
      row.append(contentsOf: rows.chunk[rows.index..<rows.index + count])
      rows.advance(count)
    }
  }

  private func wrong(_ message: String) -> InputError {
    InputError(line: line, column: 0, message: message)
  }
}

// MARK: - Dimension

extension VectorReader {
  /// Numbers in a row, from the size of the input and the count of keys; both must be regular files,
  /// since the keys are read twice.
  static func dimension(of rows: InputFile, keys path: String) throws -> Int {
    guard let found = try foundDimension(of: rows, keys: path) else {
      throw UsageError("--dimension is needed where rows or keys come from a pipe")
    }
    return found
  }

  /// Throws where the size of the input and the count of keys tell of another dimension, before rows
  /// cut in the wrong places are stored. Says nothing of pipes.
  static func check(_ dimension: Int, of rows: InputFile, keys path: String) throws {
    guard let found = try foundDimension(of: rows, keys: path), found != dimension else { return }
    throw CommandFailure(
      "\(rows.source.name): \(found) numbers a row by its size and the keys in \(path),"
        + " not \(dimension)")
  }

  /// Nil where rows or keys come from a pipe. Standard input cannot be read twice, even from a file.
  private static func foundDimension(of rows: InputFile, keys path: String) throws -> Int? {
    guard let size = rows.size, path != "-" else { return nil }
    let keys = try InputFile(path)
    guard keys.size != nil else { return nil }
    var reader = LineReader(keys.source)
    var key: [UInt8] = []
    var count: UInt64 = 0
    while try reader.next(into: &key, limit: Limits.keyBytes) { count += 1 }
    guard count > 0, size > 0, size % (count * 4) == 0, size / (count * 4) <= 1 << 28 else {
      throw CommandFailure(
        "\(rows.source.name): \(Quantity.grouped(size)) bytes are not"
          + " \(Quantity.grouped(count)) rows of whole numbers; is every key in \(path)?")
    }
    return Int(size / (count * 4))
  }
}
