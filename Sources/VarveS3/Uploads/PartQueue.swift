import VarveObjects
import VarvePlatform

/// Hands out the parts of an upload to threads until all are sent or one fails.
final class PartQueue: Sendable {
  private struct State: Sendable {
    var next = 0
    var parts: [S3Upload.Part?]
    var failure: ObjectStoreError?
  }

  private let count: Int
  private let cancellation: HTTPCancellation
  private let state: Monitor<State>

  /// A queue of so many parts; `cancellation` ends those under way when one has failed.
  init(_ count: Int, _ cancellation: HTTPCancellation) {
    self.count = count
    self.cancellation = cancellation
    state = Monitor(State(parts: Array(repeating: nil, count: count)))
  }

  /// Sends all parts, by the calling thread and others.
  func run(
    threads: Int, _ send: @escaping @Sendable (Int) throws(ObjectStoreError) -> S3Upload.Part
  ) throws(ObjectStoreError) -> [S3Upload.Part] {
    var helpers: [WorkerThread] = []
    for _ in 1..<max(2, min(threads, count)) where threads > 1 && count > 1 {
      // Where no thread can be had those that there are do it.
      guard let helper = try? WorkerThread(name: "s3 upload", { self.work(send) }) else { break }
      helpers.append(helper)
    }
    work(send)
    for helper in helpers { helper.join() }
    return try state.withLock { state throws(ObjectStoreError) in
      if let failure = state.failure { throw failure }
      return state.parts.compactMap { $0 }
    }
  }

  private func work(_ send: (Int) throws(ObjectStoreError) -> S3Upload.Part) {
    while let number = state.withLock({ Self.take(&$0) }) {
      do throws(ObjectStoreError) {
        let part = try send(number)
        state.withLock { $0.parts[number] = part }
      } catch {
        // The first failure is the reason; others may be because of it.
        state.withLock { state in
          if state.failure == nil { state.failure = error }
        }
        cancellation.cancel()
      }
    }
  }

  private static func take(_ state: inout State) -> Int? {
    guard state.failure == nil, state.next < state.parts.count else { return nil }
    state.next += 1
    return state.next - 1
  }
}
