import Foundation

/// Threads that begin together.
enum Lanes {
  /// Calls `body` on so many threads of their own, and returns what each returned, and the time from
  /// the common start to the end of the last.
  static func run<Result>(
    _ count: Int, _ body: @escaping (_ lane: Int) throws -> Result
  ) throws -> (results: [Result], seconds: Double) {
    let clock = ContinuousClock()
    guard count > 1 else {
      let start = clock.now
      let result = try body(0)
      return ([result], start.duration(to: clock.now) / .seconds(1))
    }
    let crew = Crew(count, body)
    for lane in 0..<count { crew.hire(lane) }
    crew.waitUntilReady()
    let start = clock.now
    let results = try crew.finish()
    return (results, start.duration(to: clock.now) / .seconds(1))
  }
}

/// The threads of one run. What each found lies in a place of its own until all have ended.
private final class Crew<Outcome>: @unchecked Sendable {
  private let count: Int
  private let body: (Int) throws -> Outcome
  private var outcomes: [Result<Outcome, any Error>?]
  private let lock = NSLock()
  private let ready = DispatchSemaphore(value: 0)
  private let go = DispatchSemaphore(value: 0)
  private let done = DispatchSemaphore(value: 0)

  init(_ count: Int, _ body: @escaping (Int) throws -> Outcome) {
    self.count = count
    self.body = body
    outcomes = Array(repeating: nil, count: count)
  }

  func hire(_ lane: Int) {
    let thread = Thread { [self] in
      ready.signal()
      go.wait()
      let outcome = Result { try body(lane) }
      lock.withLock { outcomes[lane] = outcome }
      done.signal()
    }
    thread.stackSize = 4 << 20
    thread.start()
  }

  func waitUntilReady() { for _ in 0..<count { ready.wait() } }

  func finish() throws -> [Outcome] {
    for _ in 0..<count { go.signal() }
    for _ in 0..<count { done.wait() }
    return try lock.withLock { try outcomes.compactMap { try $0?.get() } }
  }
}
