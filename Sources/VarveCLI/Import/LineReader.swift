/// Reads lines, whatever their bytes; a line is held in memory, so it has a limit.
struct LineReader {
  private var stream: ByteStream
  /// The number of the line read last, from 1.
  private(set) var line: UInt64 = 0

  init(_ source: any ChunkSource) { stream = ByteStream(source) }

  var offset: UInt64 { stream.offset }

  /// Replaces `output` with the next line, without its line feed; false at the end of input. What
  /// stands after the last line feed is a line only if it is not empty.
  mutating func next(into output: inout [UInt8], limit: Int) throws -> Bool {
    output.removeAll(keepingCapacity: output.capacity <= 1 << 20)
    guard try stream.peek() != nil else { return false }
    line = stream.line
    while let byte = try stream.peek() {
      if byte == 0x0a {
        stream.endLine()
        return true
      }
      let run = Self.lineRun(stream.chunk.span, from: stream.index)
      guard run <= limit - output.count else {
        throw InputError(
          line: line, column: 0,
          message: "longer than \(Quantity.grouped(UInt64(limit))) bytes")
      }
      output.append(contentsOf: stream.chunk[stream.index..<stream.index + run])
      stream.advance(run)
    }
    return true
  }

  /// Bytes from `start` to the line feed or the end of the chunk.
  private static func lineRun(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] != 0x0a { index += 1 }
    return index - start
  }
}
