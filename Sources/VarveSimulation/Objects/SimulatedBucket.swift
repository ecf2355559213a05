package import VarveObjects
import VarvePlatform

/// A bucket in memory that is linearizable and honest, or as dishonest as it is told to be. Whoever uses
/// it has a ``SimulatedObjectStore``, a connection whose requests and answers may be lost.
package final class SimulatedBucket: Sendable {
  struct Object: Sendable {
    var bytes: [UInt8]
    var modified: UInt64
    var storageClass: StorageClass?
    var isRestored = false

    var isArchived: Bool { storageClass.map(SimulatedBucket.isArchive) ?? false }
    var isReadable: Bool { !isArchived || isRestored }
  }

  struct State: Sendable {
    var objects: [ObjectName: Object] = [:]
    var calls: [ObjectCall] = []
    /// The objects that were written, removed or copied, one after the other.
    var changes: [ObjectName] = []
    /// Requests that have not arrived yet although their senders gave up.
    var late: [@Sendable (inout State) -> Void] = []
    var ignoresConditions = false
  }

  package let clock: SimulatedClock
  let state = Monitor(State())

  /// - Parameter clock: the bucket's own, by which it dates what is written.
  package init(clock: SimulatedClock = SimulatedClock()) { self.clock = clock }

  /// A bucket of its own with what is in this one now. What is on its way to this one does not reach it.
  package func copy() -> SimulatedBucket {
    let copy = SimulatedBucket(clock: clock)
    let objects = state.withLock { $0.objects }
    copy.state.withLock { $0.objects = objects }
    return copy
  }

  /// A connection; each user should have one.
  package func connect() -> SimulatedObjectStore { SimulatedObjectStore(self) }

  static func isArchive(_ storageClass: StorageClass) -> Bool {
    ["GLACIER", "DEEP_ARCHIVE"].contains(storageClass.description)
  }
}

/// A request, as a bucket's own record would have it.
package struct ObjectCall: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: String, Sendable, CaseIterable {
    case put, read, status, list, remove, copy, restore, removeUnfinished
  }

  package var kind: Kind
  /// The object, the prefix of a listing, or the first of several.
  package var name: String
  /// Bytes that were written or read.
  package var bytes: Int

  package var description: String { "\(kind.rawValue) \(name) (\(bytes))" }
}

// MARK: - What tests look at and change

extension SimulatedBucket {
  /// Every request that arrived.
  package var calls: [ObjectCall] { state.withLock { $0.calls } }

  /// Every object that was written or removed, one after the other.
  package var changes: [ObjectName] { state.withLock { $0.changes } }

  package func forgetCalls() { state.withLock { $0.calls = [] } }

  package var names: [ObjectName] { state.withLock { $0.objects.keys.sorted() } }

  /// The bytes of an object.
  package func bytes(of name: ObjectName) -> [UInt8]? {
    state.withLock { $0.objects[name]?.bytes }
  }

  /// Lays an object there behind everybody's back.
  package func place(_ bytes: [UInt8], as name: ObjectName) {
    state.withLock { $0.objects[name] = Object(bytes: bytes, modified: clock.wallMilliseconds()) }
  }

  /// Changes an object behind everybody's back; nil removes it.
  package func tamper(_ name: ObjectName, with bytes: [UInt8]?) {
    state.withLock { state in
      guard let bytes else { return state.objects[name] = nil }
      state.objects[name]?.bytes = bytes
    }
  }

  /// From here on `put` with `.absent` replaces what is there, as some servers do.
  package func ignoreConditions() { state.withLock { $0.ignoresConditions = true } }

  /// Lets an archived object become readable.
  package func finishRestoring(_ name: ObjectName) {
    state.withLock { $0.objects[name]?.isRestored = true }
  }

  /// Whether requests are on their way whose senders gave up.
  package var hasLateRequests: Bool { state.withLock { !$0.late.isEmpty } }

  /// Lets the oldest request arrive whose sender gave up.
  package func deliverLateRequest() {
    state.withLock { state in
      guard !state.late.isEmpty else { return }
      let request = state.late.removeFirst()
      request(&state)
    }
  }
}
