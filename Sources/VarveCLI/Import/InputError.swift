/// Input that is not what it should be, and exactly where.
struct InputError: Error, Equatable {
  /// Counted from 1; rows of vectors count as lines.
  var line: UInt64
  /// Bytes from the start of the line, counted from 1; zero where the whole line is meant.
  var column: UInt64
  var message: String

  var description: String {
    column == 0 ? "line \(line): \(message)" : "line \(line), column \(column): \(message)"
  }
}
