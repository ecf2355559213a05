@testable import VarveCLI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

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

/// Standard output and standard error into a pipe, read back afterwards. Holds up to 64 KiB.
final class CapturedOutput {
  let output: Output
  let messages: Messages
  private let readEnd: Int32
  private let writeEnd: Int32

  init(style: Style = .plain, isTerminal: Bool = false) {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { fatalError("no pipe") }
    (readEnd, writeEnd) = (ends[0], ends[1])
    output = Output(
      descriptor: writeEnd, isTerminal: false, style: style, threshold: 1 << 20)
    messages = Messages(descriptor: writeEnd, isTerminal: isTerminal, style: style)
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// The lines written so far.
  func lines() throws -> [String] {
    try output.flush()
    let flags = fcntl(readEnd, F_GETFL)
    _ = fcntl(readEnd, F_SETFL, flags | O_NONBLOCK)
    var all: [UInt8] = []
    while true {
      var piece: [UInt8] = []
      do { try SystemCalls.read(readEnd, into: &piece, limit: 65_536) } catch { break }
      if piece.isEmpty { break }
      all += piece
    }
    return all.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
  }
}
