/// Standard output, buffered: the data a command answers with, and nothing else.
///
/// A reader that goes away (`varve scan ... | head`) is no failure: the first write it does not
/// take throws ``Closed``, which ends the command quietly.
final class Output {
  /// Nobody reads any more.
  struct Closed: Error {}

  private let descriptor: Int32
  private let threshold: Int
  private var buffer: [UInt8] = []
  let isTerminal: Bool
  let style: Style

  init(descriptor: Int32, isTerminal: Bool, style: Style, threshold: Int = 64 << 10) {
    self.descriptor = descriptor
    self.isTerminal = isTerminal
    self.style = style
    self.threshold = threshold
    buffer.reserveCapacity(threshold + 4096)
  }

  func write(_ text: String) throws {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= threshold { try flush() }
  }

  func write(line: String) throws {
    buffer.append(contentsOf: line.utf8)
    buffer.append(0x0a)
    if buffer.count >= threshold { try flush() }
  }

  func write(_ bytes: [UInt8]) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= threshold { try flush() }
  }

  /// Lends the buffer to be appended to, for output that is made byte by byte.
  func append(_ body: (inout [UInt8]) throws -> Void) throws {
    try body(&buffer)
    if buffer.count >= threshold { try flush() }
  }

  /// Writes one JSON document and ends its line.
  func write(json body: (inout JSONWriter) -> Void) throws {
    var writer = JSONWriter()
    body(&writer)
    try write(writer.bytes + [0x0a])
  }

  /// Hands everything to the system; throws where it does not take it.
  func flush() throws {
    guard !buffer.isEmpty else { return }
    let bytes = buffer
    buffer = []
    do {
      try SystemCalls.write(descriptor, bytes)
    } catch {
      if error.isBrokenPipe { throw Closed() }
      throw CommandFailure("standard output: \(error.description)")
    }
    buffer = bytes
    buffer.removeAll(keepingCapacity: true)
  }
}

/// Standard error: what is said to the person, line by line, never data.
struct Messages: Sendable {
  let isTerminal: Bool
  let style: Style
  private let descriptor: Int32

  init(descriptor: Int32, isTerminal: Bool, style: Style) {
    self.descriptor = descriptor
    self.isTerminal = isTerminal
    self.style = style
  }

  /// One line. Whether anybody reads it changes nothing, so a failure is not reported: there is
  /// nowhere left to report it.
  func say(_ line: String) { write(line + "\n") }

  /// Text as it is, for lines that are drawn over.
  func write(_ text: String) { try? SystemCalls.write(descriptor, Array(text.utf8)) }

  /// Columns, where it is a terminal.
  var width: Int { SystemCalls.terminalWidth(descriptor) ?? 80 }
}
