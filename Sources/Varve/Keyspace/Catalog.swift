import VarveFormat
import VarvePlatform

/// The keyspaces of an open store, by name and by number.
///
/// Their records are ordinary entries of the system keyspace, number 0, and so are durable, replayed
/// and compacted like all else. This is what was read from them.
final class Catalog: Sendable {
  private struct State {
    var byName: [KeyspaceName: Keyspace] = [:]
    var nextNumber: UInt32 = SystemKeyspace.defaultKeyspace + 1
    /// Keyspaces dropped since opening, and the commit that dropped them.
    var dropped: [UInt32: SequenceNumber] = [:]
  }

  /// The keyspace that is there without having been made.
  static let defaultName = "default"

  private let state = Monitor(State())
  /// Held while a keyspace is made or dropped, its commit included.
  let changing = Monitor(())

  func keyspace(named name: String) -> Keyspace? {
    state.withLock { $0.byName[KeyspaceName(name)] }
  }

  /// All keyspaces by name.
  var all: [Keyspace] {
    state.withLock { $0.byName.sorted { $0.key < $1.key }.map(\.value) }
  }

  /// The name of each keyspace, by number.
  var names: [UInt32: KeyspaceName] {
    state.withLock { state in
      Dictionary(state.byName.map { ($0.value.number, $0.key) }) { first, _ in first }
    }
  }

  var count: Int { state.withLock { $0.byName.count } }

  var nextNumber: UInt32 { state.withLock { $0.nextNumber } }

  func add(_ keyspace: Keyspace) {
    state.withLock { state in
      state.byName[KeyspaceName(keyspace.name)] = keyspace
      state.nextNumber = max(state.nextNumber, keyspace.number + 1)
    }
  }

  /// Numbers below `number` were given out before, and are never given again.
  func raiseNextNumber(to number: UInt32) {
    state.withLock { $0.nextNumber = max($0.nextNumber, number) }
  }

  func remove(_ keyspace: Keyspace, droppedAt sequence: SequenceNumber) {
    state.withLock { state in
      state.byName[KeyspaceName(keyspace.name)] = nil
      state.dropped[keyspace.number] = sequence
    }
    keyspace.markDropped(at: sequence)
  }

  /// Forgets all keyspaces; for an engine that does nothing any more.
  func removeAll() {
    // Freed after unlocking.
    _ = state.withLock { state in
      defer { state.byName = [:] }
      return state.byName
    }
  }

  /// What compaction must know: which numbers live, and since when the others do not.
  func liveness() -> KeyspaceLiveness {
    state.withLock { state in
      var live: [UInt32: KeyspacePolicy] = [:]
      for keyspace in state.byName.values { live[keyspace.number] = keyspace.policy }
      return KeyspaceLiveness(
        policies: live, dropped: state.dropped, nextNumber: state.nextNumber)
    }
  }
}

/// Which keyspaces live at one moment, with their policies.
struct KeyspaceLiveness: Sendable {
  var policies: [UInt32: KeyspacePolicy]
  var dropped: [UInt32: SequenceNumber]
  var nextNumber: UInt32

  /// None was dropped, as long as nobody says otherwise.
  static let allLive = KeyspaceLiveness(policies: [:], dropped: [:], nextNumber: 0)

  /// The commit that dropped keyspace `number`; nil while it lives.
  func dropSequence(of number: UInt32) -> SequenceNumber? {
    guard number != SystemKeyspace.number, number < nextNumber, policies[number] == nil else {
      return nil
    }
    // Dropped before this opening: no snapshot is that old.
    return dropped[number] ?? .zero
  }

  func policy(of number: UInt32) -> KeyspacePolicy {
    policies[number] ?? .default
  }
}
