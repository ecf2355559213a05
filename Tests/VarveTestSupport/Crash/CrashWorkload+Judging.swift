package import Varve
import VarvePlatform
import VarveSimulation

extension CrashWorkload {
  /// What a crash may leave, of which one must be found.
  package struct Expectation: Sendable {
    package var states: [Content]
    /// What the bucket may lead to by itself; nil where it was not confirmed that it has anything.
    package var elsewhere: [Content]?
    /// Whether everything can be read without the bucket.
    package var isWhole = true

    package init(_ states: [Content]) { self.states = states }

    /// The same for a machine that went on alone, and put nothing into its bucket.
    package mutating func goOn(to states: [Content]) {
      self.states = states
      elsewhere? += states
    }
  }

  /// What a power cut may leave when so much was reached, or the end of the process alone.
  package func expectation(_ progress: Progress, isKilled: Bool = false) -> Expectation {
    let first = isKilled ? progress.done : progress.durable
    var expectation = Expectation(Array(states[first...progress.invoked]))
    expectation.elsewhere = progress.confirmed.map { Array(states[$0...progress.invoked]) }
    expectation.isWhole = progress.isWhole
    return expectation
  }

  /// Everything a reader finds in the store.
  package static func content(of store: SegmentStore) throws -> Content {
    var content: Content = [:]
    for keyspace in store.keyspaces {
      var entries: [[UInt8]: [UInt8]] = [:]
      try keyspace.forEach { entries[[UInt8](copying: $0)] = [UInt8](copying: $1) }
      content[keyspace.name] = entries
    }
    return content
  }

  /// What a reader finds otherwise than by a scan: backward, and key by key.
  private static func difference(
    of store: SegmentStore, from content: Content
  ) throws -> String? {
    for keyspace in store.keyspaces {
      let entries = content[keyspace.name] ?? [:]
      var backward: [[UInt8]] = []
      try keyspace.forEach(order: .descending) { key, _ in backward.append([UInt8](copying: key)) }
      let forward = entries.keys.sorted { $0.lexicographicallyPrecedes($1) }
      guard backward == forward.reversed() else { return "a scan backward shows other keys" }
      for (key, value) in entries {
        guard try keyspace.value(for: key) == value else { return "\(key) has another value" }
      }
    }
    return nil
  }

  /// Opens what a crash left and says what is wrong with it; nil when all is well.
  ///
  /// The store must open, hold what a crash may leave, take a write, and hold the same and that write
  /// after it was opened again. One with a bucket must do without it as far as it can, and what the bucket
  /// confirmed must be there without this machine.
  ///
  /// - Parameter turn: what takes longer is done in turns: each third time for the bucket, each fourth for reads that are not
  ///   scans, each sixteenth for the verifier, which reads all bytes when the store is closed.
  package func judge(
    _ image: CrashMachine, _ expected: Expectation, turn: Int = 0
  ) -> String? {
    do {
      if image.bucket != nil, let failure = try failureOfBucket(image, expected, turn: turn) {
        return failure
      }
      let store = try image.open(opening)
      var content = try Self.content(of: store)
      guard expected.states.contains(content) else {
        return "none of the \(expected.states.count) states that may be there holds what was found"
      }
      if turn % 4 == 1, let difference = try Self.difference(of: store, from: content) {
        return difference
      }
      try Self.put("after the crash", into: store, &content)
      try store.close()
      let again = try image.open(opening)
      guard try Self.content(of: again) == content else {
        return "the next opening found something else"
      }
      try again.close()
      return turn % 16 == 0 ? try Self.finding(of: image) : nil
    } catch {
      return "\(error)"
    }
  }

  private func failureOfBucket(
    _ image: CrashMachine, _ expected: Expectation, turn: Int
  ) throws -> String? {
    switch turn % 3 {
    case 0: try failureApart(image.killImage(), expected)
    case 1: try failureElsewhere(image.elsewhere(), expected)
    default: nil
    }
  }

  /// Puts an entry of that name, synced, into the store and what is known of it.
  package static func put(
    _ name: String, into store: SegmentStore, _ content: inout Content
  ) throws {
    content["default"]?[Array(name.utf8)] = Array("written".utf8)
    try store.keyspace("default").put(name, "written")
  }

  /// What is wrong with the machine while its bucket does not answer.
  private func failureApart(_ image: CrashMachine, _ expected: Expectation) throws -> String? {
    var opening = opening
    opening.hasBucket = false
    do {
      let store = try image.open(opening)
      guard expected.states.contains(try Self.content(of: store)) else {
        return "without the bucket: something else is there"
      }
      try store.close()
    } catch let error as StoreError {
      // What is cold says so.
      if expected.isWhole || error.code != .unavailable { return "without the bucket: \(error)" }
    }
    return nil
  }

  /// What is wrong with what another machine finds in the bucket.
  private func failureElsewhere(_ other: CrashMachine, _ expected: Expectation) throws -> String? {
    guard let allowed = expected.elsewhere else { return nil }
    do {
      let store = try other.restore(opening)
      guard allowed.contains(try Self.content(of: store)) else {
        return "elsewhere: none of \(allowed.count) states holds what the bucket leads to"
      }
      try store.close()
    } catch { return "elsewhere: \(error)" }
    return nil
  }

  /// The first thing that the verifier has to say; where there is a bucket, the first damage: of what lies only
  /// there it says so.
  private static func finding(of machine: CrashMachine) throws -> String? {
    var first: IntegrityFinding?
    try StoreVerifier(at: "store", on: machine.disk).run(.deep) { finding in
      guard machine.bucket == nil || finding.severity == .damage else { return }
      first = first ?? finding
    }
    return first.map { "the verifier found \($0)" }
  }
}
