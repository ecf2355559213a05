import VarveFormat
import VarvePlatform

@testable import Varve

/// A file in memory whose writes and syncs wait for a sign, and fail when they are told to: what a thread
/// does in the background is seen step by step.
final class GatedFile: File {
  struct Step: Equatable {
    enum Kind { case write, sync }

    var kind: Kind
    /// Bytes of the file when it began.
    var count: Int
  }

  private struct State {
    /// Steps that may still begin.
    var open: Int
    var steps: [Step] = []
    var finished = 0
    var failing: Int?
    var bytes: [UInt8] = []
  }

  let name = "gated"
  private let state: Monitor<State>

  /// - Parameters:
  ///   - open: steps that need not wait.
  ///   - failing: the number of the step that fails, from zero.
  init(open: Int = .max, failing: Int? = nil) {
    state = Monitor(State(open: open, failing: failing))
  }

  var bytes: [UInt8] { state.withLock { $0.bytes } }

  var steps: [Step] { state.withLock { $0.steps } }

  /// Lets so many more steps begin.
  func open(_ count: Int) {
    state.withLock { $0.open += count }
    state.broadcast()
  }

  /// Waits until so many steps have begun, gated ones included; false when it takes too long.
  func hasBegun(_ count: Int, withinMilliseconds limit: UInt64 = 10_000) -> Bool {
    reaches(limit) { $0.steps.count >= count }
  }

  /// Waits until so many steps are over.
  func hasFinished(_ count: Int) -> Bool { reaches(10_000) { $0.finished >= count } }

  private func reaches(_ milliseconds: UInt64, _ goal: (borrowing State) -> Bool) -> Bool {
    let deadline = SystemClock().monotonicNanoseconds() + milliseconds * 1_000_000
    return state.wait(until: deadline, for: goal)
  }

  private func step(
    _ kind: Step.Kind, _ body: (inout State) -> Void = { _ in }
  ) throws(FileSystemError) {
    let failure = FileSystemError(kind == .sync ? .sync : .write, .other, path: name)
    let number = state.withLock { state in
      state.steps.append(Step(kind: kind, count: state.bytes.count))
      return state.steps.count - 1
    }
    state.broadcast()
    // A sign that never comes, as where its giver waits for the step, is a failure: none hangs.
    let deadline = SystemClock().monotonicNanoseconds() + 20_000_000_000
    let fails = state.withLock(when: { $0.open > number }, until: deadline) { state in
      if state.failing != number { body(&state) }
      state.finished += 1
      return state.failing == number
    }
    state.broadcast()
    if fails ?? true { throw failure }
  }

  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    try step(.write) { state in
      let missing = Int(offset) + bytes.count - state.bytes.count
      if missing > 0 { state.bytes += [UInt8](repeating: 0, count: missing) }
      state.bytes.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes.array)
    }
  }

  func sync() throws(FileSystemError) { try step(.sync) }

  func size() throws(FileSystemError) -> UInt64 { UInt64(bytes.count) }

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    let part = bytes.dropFirst(Int(offset)).prefix(count)
    Array(part).withByteView { buffer.copy($0) }
    return part.count
  }

  func reserve(_ size: UInt64) throws(FileSystemError) {}

  func truncate(to size: UInt64) throws(FileSystemError) {}

  func dropCache() throws(FileSystemError) {}

  func close() throws(FileSystemError) {}
}
