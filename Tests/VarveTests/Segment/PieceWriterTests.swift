import Testing
import VarveFormat
import VarvePlatform

@testable import Varve

/// Pieces of a file that another thread writes.
@Suite struct PieceWriterTests {
  private static let pieceBytes = 1024

  private static func fill(_ buffer: AlignedBuffer, _ byte: UInt8) {
    [UInt8](repeating: byte, count: pieceBytes).withByteView { buffer.copy($0) }
  }

  private static func content(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { [UInt8](repeating: $0, count: pieceBytes) }
  }

  /// How far the file was written, as it was told.
  private static func writer(_ file: GatedFile) -> (PieceWriter, Monitor<[UInt64]>) {
    let ends = Monitor<[UInt64]>([])
    let writer = PieceWriter(file, pieceBytes: pieceBytes) { end in
      ends.withLock { $0.append(end) }
    }
    return (writer, ends)
  }

  /// Writes pieces of 1, 2, 3, ... at their places.
  private static func write(_ count: Int, with writer: PieceWriter) throws {
    var buffer = AlignedBuffer(capacity: pieceBytes)
    for number in 0..<count {
      fill(buffer, UInt8(number + 1))
      buffer = try writer.write(buffer, at: UInt64(number * pieceBytes))
    }
  }

  @Test func allPiecesAreWrittenInOrder() throws {
    let file = GatedFile()
    let (writer, ends) = Self.writer(file)
    try Self.write(20, with: writer)
    try writer.drain()
    #expect(file.bytes == Self.content(Array(1...20)))
    #expect(ends.withLock { $0 } == (1...20).map { UInt64($0 * Self.pieceBytes) })
  }

  /// ```
  ///   who fills   1 | 2 ........... | 3
  ///   its thread    | writes 1 | writes 2
  /// ```
  @Test func theNextPieceIsFilledWhileOneIsWritten() throws {
    let file = GatedFile(open: 0)
    let (writer, _) = Self.writer(file)
    let first = AlignedBuffer(capacity: Self.pieceBytes)
    Self.fill(first, 1)
    let second = try writer.write(first, at: 0)
    #expect(file.hasBegun(1) && !file.hasBytes)
    // Nobody may write into a piece that is on its way.
    #expect(first !== second)
    Self.fill(second, 2)
    file.open(2)
    let third = try writer.write(second, at: UInt64(Self.pieceBytes))
    // Two buffers are all it takes.
    #expect(third === first)
    try writer.drain()
    #expect(file.bytes == Self.content([1, 2]))
  }

  @Test func drainWaitsForThePieceOnItsWay() throws {
    let file = GatedFile(open: 0)
    let (writer, ends) = Self.writer(file)
    try Self.write(1, with: writer)
    #expect(file.hasBegun(1))
    file.open(1)
    try writer.drain()
    #expect(ends.withLock { $0 } == [UInt64(Self.pieceBytes)])
    #expect(file.bytes == Self.content([1]))
  }

  /// Neither the next piece nor the end passes over it, and nothing is written behind the gap.
  @Test func aFailureIsThrownByWhateverComesNext() throws {
    let file = GatedFile(failing: 1)
    let (writer, ends) = Self.writer(file)
    #expect(throws: FileSystemError.self) { try Self.write(5, with: writer) }
    #expect(throws: FileSystemError.self) { try writer.drain() }
    #expect(file.steps.count == 2)
    #expect(file.bytes == Self.content([1]))
    #expect(ends.withLock { $0.count } == 1)
  }

  /// Nothing is left that could write into a file whose number or buffer is used again.
  @Test func aWriterThatIsGivenUpIsDoneWithTheFile() throws {
    let file = GatedFile(open: 0)
    var writer: PieceWriter? = PieceWriter(file, pieceBytes: Self.pieceBytes) { _ in }
    try Self.write(1, with: #require(writer))
    #expect(file.hasBegun(1))
    let opener = try WorkerThread(name: "opener") {
      _ = file.hasBegun(2, withinMilliseconds: 50)
      file.open(1)
    }
    writer = nil
    #expect(file.bytes == Self.content([1]))
    opener.join()
  }

  /// A piece that was lost on the way fails the file, at its end at the latest.
  @Test(arguments: [0, 1, 2])
  func aBufferWhosePieceIsLostFails(_ piece: Int) throws {
    let file = GatedFile(failing: piece)
    var buffer = SegmentFileBuffer(file, writesBehind: true)
    #expect(throws: (any Error).self) {
      for _ in 0..<3 { try buffer.append([UInt8](repeating: 1, count: 2 << 20)) }
      try buffer.flush()
      try buffer.sync()
    }
    #expect(!file.steps.contains { $0.kind == .sync })
  }

  /// A file is the same by whatever way it was written.
  @Test(arguments: [0, 100, 2 << 20, (4 << 20) + 17, (6 << 20)])
  func aBufferThatWritesBehindMakesTheSameFile(_ count: Int) throws {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 1000) }
    for writesBehind in [false, true] {
      let file = GatedFile()
      var buffer = SegmentFileBuffer(file, syncsBehind: true, writesBehind: writesBehind)
      for start in stride(from: 0, to: count, by: 100_000) {
        try buffer.append(Array(content[start..<min(count, start + 100_000)]))
      }
      #expect(buffer.offset == UInt64(count))
      try buffer.flush()
      try buffer.sync()
      let isSame = file.bytes == content
      #expect(isSame)
      // The last sync covers everything.
      #expect(file.steps.last == GatedFile.Step(kind: .sync, count: count))
    }
  }
}

extension GatedFile {
  fileprivate var hasBytes: Bool { !bytes.isEmpty }
}
