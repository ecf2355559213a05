import Varve
import VarveTestSupport

/// Everything that a store returns, held against the states that may be in it: whatever is read must agree with one of
/// them, the same for all reads.
///
/// ```
///   the names of the keyspaces, all that each holds forward and backward, each key by itself
///   and one way more, in its turn: see ``Turn``
/// ```
struct SweepReading {
  typealias Content = CrashWorkload.Content

  /// Those that agree with all that was read.
  private var states: [Content]
  /// Its keys are asked for.
  private let newest: Content
  /// What reads threw, and closing.
  private(set) var errors: [any Error] = []
  private(set) var isRight = true
  /// Whether what is wrong is that something is missing.
  private(set) var lacksKeys = false

  init(_ states: [Content], asking newest: Content) {
    self.states = states
    self.newest = newest
  }

  mutating func readAll(of store: SegmentStore, _ turn: Turn) {
    let names = Set(store.keyspaces.map(\.name))
    keep({ !names.isSuperset(of: $0.keys) }) { Set($0.keys) == names }
    for (name, entries) in newest.sorted(by: { $0.key < $1.key }) {
      let keys = entries.keys.sorted { $0.lexicographicallyPrecedes($1) } + [Self.noSuchKey]
      attempt {
        guard let keyspace = try store.existingKeyspace(name) else { return }
        for order in [ScanOrder.ascending, .descending] { $0.scan(keyspace, .all, order) }
        for key in keys {
          $0.look(absent: nil, { $0[name]?[key] }) { try keyspace.value(for: key) }
        }
        try turn.read(keyspace, of: store, keys, &$0)
      }
    }
  }

  private static let noSuchKey = Array("no such key".utf8)

  mutating func close(_ store: SegmentStore) { attempt { _ in try store.close() } }

  /// Does it, and takes down what it throws.
  mutating func attempt(_ body: (inout SweepReading) throws -> Void) {
    do { try body(&self) } catch { errors.append(error) }
  }

  /// One read, and what it finds in a state.
  mutating func look<Found: Equatable>(
    absent: Found, _ expected: (Content) -> Found, _ read: () throws -> Found
  ) {
    attempt {
      let found = try read()
      $0.keep({ _ in found == absent }) { expected($0) == found }
    }
  }

  /// A scan shows all there is; before it throws, what comes first without a gap.
  mutating func scan(
    _ keyspace: Keyspace, _ range: KeyRange, _ order: ScanOrder, at snapshot: Snapshot? = nil
  ) {
    var run = ScannedRun(range, order)
    attempt { _ in
      try keyspace.forEach(in: range, order: order, at: snapshot) {
        run.entries.append(KeyValue([UInt8](copying: $0), [UInt8](copying: $1)))
      }
      run.isWhole = true
    }
    keep({ run.isPart(of: $0[keyspace.name] ?? [:]) }) {
      run.is(in: $0[keyspace.name] ?? [:])
    }
  }

  /// Goes on with the states that agree; where none does, says whether what is wrong is only that something is missing.
  private mutating func keep(
    _ isAbsence: (_ newest: Content) -> Bool, _ agrees: (Content) -> Bool
  ) {
    let left = states.filter(agrees)
    if !left.isEmpty { return states = left }
    isRight = false
    if isAbsence(newest) { lacksKeys = true }
  }
}

/// What a scan showed.
private struct ScannedRun {
  let range: KeyRange
  let order: ScanOrder
  var entries: [KeyValue] = []
  /// Whether it came to its end.
  var isWhole = false

  init(_ range: KeyRange, _ order: ScanOrder) {
    self.range = range
    self.order = order
  }

  /// Whether each entry is there, and none comes twice.
  func isPart(of state: [[UInt8]: [UInt8]]) -> Bool {
    zip(entries, entries.dropFirst()).allSatisfy { comes($0.key, before: $1.key) }
      && entries.allSatisfy { state[$0.key] == $0.value && range.holds($0.key) }
  }

  /// Whether that is all there is, or its beginning where the scan did not end.
  func `is`(in state: [[UInt8]: [UInt8]]) -> Bool {
    guard isPart(of: state) else { return false }
    let passed = state.keys.count { key in
      guard range.holds(key) else { return false }
      guard !isWhole else { return true }
      return entries.last.map { !comes($0.key, before: key) } ?? false
    }
    return passed == entries.count
  }

  private func comes(_ key: [UInt8], before other: [UInt8]) -> Bool {
    order == .ascending
      ? key.lexicographicallyPrecedes(other) : other.lexicographicallyPrecedes(key)
  }
}

extension KeyRange {
  fileprivate func holds(_ key: [UInt8]) -> Bool {
    if let lower, key.lexicographicallyPrecedes(lower) { return false }
    return upper.map { key.lexicographicallyPrecedes($0) } ?? true
  }
}
