/// Input that comes in pieces, so that its size does not matter.
protocol ChunkSource {
  /// Replaces `chunk` with the next piece; an empty one is the end.
  mutating func next(into chunk: inout [UInt8]) throws
}

/// A file, a pipe or standard input.
struct DescriptorSource: ChunkSource {
  let descriptor: Int32
  /// For messages.
  let name: String
  var chunkBytes = 256 << 10

  mutating func next(into chunk: inout [UInt8]) throws {
    do {
      try SystemCalls.read(descriptor, into: &chunk, limit: chunkBytes)
    } catch {
      throw CommandFailure("\(name): \(error.description)")
    }
  }
}

/// An input file by its name on the command line; `-` is standard input.
struct InputFile {
  let source: DescriptorSource
  /// Bytes of a regular file; nil for pipes, whose end is not known beforehand.
  let size: UInt64?

  init(_ path: String) throws {
    let name = path == "-" ? "standard input" : path
    do throws(SystemCalls.Failure) {
      let descriptor = path == "-" ? 0 : try SystemCalls.open(path)
      size = try SystemCalls.regularSize(descriptor)
      source = DescriptorSource(descriptor: descriptor, name: name)
    } catch {
      throw CommandFailure("\(name): \(error.description)")
    }
  }
}

/// Bytes from a source one at a time or in runs, with the place they stand at.
struct ByteStream {
  private var source: any ChunkSource
  private(set) var chunk: [UInt8] = []
  /// The next byte's place in `chunk`.
  private(set) var index = 0
  private var chunkStart: UInt64 = 0
  private var isAtEnd = false
  private(set) var line: UInt64 = 1
  private var lineStart: UInt64 = 0

  init(_ source: any ChunkSource) { self.source = source }

  /// Bytes read so far.
  var offset: UInt64 { chunkStart + UInt64(index) }

  /// Bytes from the start of the line to the next byte, counted from 1.
  var column: UInt64 { offset - lineStart + 1 }

  /// The next byte, left where it is; nil at the end.
  mutating func peek() throws -> UInt8? {
    if index < chunk.count { return chunk[index] }
    return try refill() ? chunk[index] : nil
  }

  /// Passes over `count` bytes of the present chunk, none of which ends a line.
  mutating func advance(_ count: Int = 1) {
    assert(index + count <= chunk.count)
    index += count
  }

  /// Passes over the line feed that `peek` found.
  mutating func endLine() {
    index += 1
    line += 1
    lineStart = offset
  }

  func error(_ message: String) -> InputError {
    InputError(line: line, column: column, message: message)
  }

  private mutating func refill() throws -> Bool {
    guard !isAtEnd else { return false }
    chunkStart += UInt64(chunk.count)
    index = 0
    try source.next(into: &chunk)
    isAtEnd = chunk.isEmpty
    return !isAtEnd
  }
}

extension InputFile {
  /// All of an input; `limit` bounds what is held in memory.
  static func contents(of path: String, limit: Int) throws -> [UInt8] {
    var source = try InputFile(path).source
    var bytes: [UInt8] = []
    var chunk: [UInt8] = []
    while true {
      try source.next(into: &chunk)
      guard !chunk.isEmpty else { return bytes }
      guard chunk.count <= limit - bytes.count else {
        throw CommandFailure(
          "\(source.name): longer than \(Quantity.grouped(UInt64(limit))) bytes, the most that a"
            + " value may have")
      }
      bytes += chunk
    }
  }
}
