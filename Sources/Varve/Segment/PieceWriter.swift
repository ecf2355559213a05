import VarvePlatform

/// Writes the full pieces of a new file by a thread of its own, while who makes them fills the next.
///
/// ```
///   who writes    | fills A | fills B | waits | fills A |  drain
///   this thread             | writes A        | writes B |
///   `SyncBehind`                              | sync     |  sync
/// ```
///
/// A write into the cache is a copy into memory that the system must find first, which takes as long as
/// making the piece. One piece is on its way, one is being filled: more would only wait longer.
///
/// What a write fails with is what the next call throws; nothing is written behind a gap.
final class PieceWriter {
  private struct Piece {
    var buffer: AlignedBuffer
    var count: Int
    var offset: UInt64
  }

  private struct State {
    /// Being written, or about to be.
    var piece: Piece?
    var spare: AlignedBuffer?
    var isOver = false
    var failure: FileSystemError?
  }

  private let file: any File
  private let pieceBytes: Int
  private let written: @Sendable (UInt64) -> Void
  private let state = Monitor(State())
  private var thread: WorkerThread?

  /// - Parameters:
  ///   - pieceBytes: of each buffer that is handed over.
  ///   - written: told how far the file was written, by either thread, one call at a time.
  init(_ file: any File, pieceBytes: Int, written: @escaping @Sendable (UInt64) -> Void) {
    self.file = file
    self.pieceBytes = pieceBytes
    self.written = written
  }

  // Nothing is lost: a file that was not finished is not used.
  deinit { stop() }

  /// Takes a full piece over, and hands out an empty buffer for the next one.
  func write(_ buffer: AlignedBuffer, at offset: UInt64) throws(FileSystemError) -> AlignedBuffer {
    let piece = Piece(buffer: buffer, count: pieceBytes, offset: offset)
    if thread == nil {
      thread = try? WorkerThread(name: "varve-write") { [file, state, written] in
        Self.run(file, state, written)
      }
    }
    guard thread != nil else {
      // Where no further thread is to be had, it is done here.
      try Self.write(piece, to: file, written)
      return buffer
    }
    let spare = try state.withLock(when: { $0.piece == nil }) {
      state throws(FileSystemError) -> AlignedBuffer? in
      if let failure = state.failure { throw failure }
      state.piece = piece
      return state.spare.take()
    }
    state.broadcast()
    return spare ?? AlignedBuffer(capacity: pieceBytes)
  }

  /// Returns when all pieces are written.
  func drain() throws(FileSystemError) {
    try state.withLock(when: { $0.piece == nil }) { state throws(FileSystemError) in
      if let failure = state.failure { throw failure }
    }
  }

  private func stop() {
    state.withLock { $0.isOver = true }
    state.broadcast()
    thread?.join()
  }

  private static func run(
    _ file: any File, _ state: Monitor<State>, _ written: (UInt64) -> Void
  ) {
    while let piece = state.withLock(when: { $0.piece != nil || $0.isOver }, { $0.piece }) {
      let result = Result { () throws(FileSystemError) in try write(piece, to: file, written) }
      state.withLock { state in
        if case .failure(let error) = result { state.failure = error }
        state.spare = piece.buffer
        state.piece = nil
      }
      state.broadcast()
    }
  }

  private static func write(
    _ piece: Piece, to file: any File, _ written: (UInt64) -> Void
  ) throws(FileSystemError) {
    try file.write(piece.buffer.view(count: piece.count), at: piece.offset)
    written(piece.offset + UInt64(piece.count))
  }
}
