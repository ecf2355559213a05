import Varve
import VarveTestSupport

/// One operation of the interface, what it changes, and whether what it read was right.
struct FaultedOperation: Sendable {
  typealias Content = CrashWorkload.Content

  /// A read returned something else than what is there.
  struct Wrong: Error, CustomStringConvertible {
    var what: String
    var description: String { "wrong data: \(what)" }
  }

  var name: String
  /// What it changes, one step after the other: what is read may be what was there after any of them.
  var changes: [@Sendable (inout Content) -> Void] = []
  /// Whether a power cut leaves everything once it succeeded.
  var isDurable = false
  /// Whether nothing was written since the store was opened.
  var isFirst = false
  /// Whether the store is closed afterwards, whatever came of it.
  var closes = false
  /// Whether it takes so long that it meets but the plainest failures, by one way of reading.
  var isHeavy = false
  /// Whether the bucket has everything once it succeeded.
  var isRemote = false
  /// Whether what is written may go into the bucket's logs.
  var putsLogs = true
  /// The checkpoint that may be gone then.
  var letsGo: String?
  /// What comes before it, with nothing failing.
  var before: (@Sendable (SegmentStore) throws -> Void)?
  /// What must be done again where it was not done to its end, before the bucket leads to anything by itself.
  var mend: (@Sendable (SegmentStore) throws -> Void)?
  /// Throws where it returned, and has not done what it said.
  var check: (@Sendable (CrashMachine, CrashMachine.Opening, SegmentStore) throws -> Void)?
  /// Does it; throws ``Wrong`` where it read anything but the content it was given.
  var body: @Sendable (SegmentStore, Content) throws -> Void

  static let all = writes + manyWrites + upkeep + ofVectors + reads + cursors + ofSnapshots

  /// Demands that a read found what it should.
  static func expect<Value: Equatable>(
    _ found: Value, _ wanted: Value, _ what: @autoclosure () -> String
  ) throws {
    if found != wanted { throw Wrong(what: what()) }
  }

  /// A read of each key of each keyspace, in their order: so that call 7 is the same in every process.
  static func ofEachKey(
    _ name: String,
    _ body: @escaping @Sendable (Keyspace, _ key: [UInt8], _ value: [UInt8]?) throws -> Void
  ) -> FaultedOperation {
    FaultedOperation(name: name) { store, content in
      for (name, entries) in content.inOrder {
        let keyspace = try store.keyspace(name)
        for (key, value) in entries { try body(keyspace, key, value) }
        try body(keyspace, Array("no such key".utf8), nil)
      }
    }
  }

  /// A read of each keyspace.
  static func ofEachKeyspace(
    _ name: String,
    _ body:
      @escaping @Sendable (SegmentStore, Keyspace, [(key: [UInt8], value: [UInt8])]) throws -> Void
  ) -> FaultedOperation {
    FaultedOperation(name: name) { store, content in
      for (name, entries) in content.inOrder {
        try body(store, try store.keyspace(name), entries)
      }
    }
  }
}

extension CrashWorkload.Content {
  /// Everything, by the order of names and keys.
  var inOrder: [(name: String, entries: [(key: [UInt8], value: [UInt8])])] {
    sorted { $0.key < $1.key }.map { name, entries in
      (
        name,
        entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
          .map { (key: $0.key, value: $0.value) }
      )
    }
  }
}
