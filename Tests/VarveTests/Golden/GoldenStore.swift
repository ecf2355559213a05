import Varve
import VarveSimulation
import VarveTestSupport

/// A store that is kept in `format-spec/golden`, and the operations that made it.
///
/// What they do must never change: another store is another name. See ``GoldenTests``.
struct GoldenStore: Sendable {
  let name: String
  /// Whether what a codec makes is in it, which another version of the codec may make otherwise: where it
  /// has a segment, the keyspaces' own records at least.
  var isCompressed = false
  let operations: @Sendable (inout GoldenMachine) throws -> Void

  /// The files that today's code makes by the operations.
  func files() throws -> [String: [UInt8]] {
    var machine = GoldenMachine()
    try operations(&machine)
    return machine.files
  }

  static let all: [GoldenStore] = [
    GoldenStore(name: "empty") { try $0.open().close() },
    GoldenStore(name: "one") { machine in
      let store = try machine.open()
      try store.keyspace("default").put("key", "value")
      try store.close()
    },
    GoldenStore(name: "every-type", operations: everyType),
    GoldenStore(name: "levels", isCompressed: true, operations: levels),
    GoldenStore(name: "value-files", isCompressed: true, operations: valueFiles),
    GoldenStore(name: "several-keyspaces", isCompressed: true, operations: severalKeyspaces),
    GoldenStore(name: "compressed", isCompressed: true, operations: compressed),
    GoldenStore(name: "crashed-log", isCompressed: true) { _ = try crashed(&$0, .everything) },
    GoldenStore(name: "torn-log", isCompressed: true) { _ = try crashed(&$0, .tornGarbage) },
    GoldenStore(name: "reused-log", isCompressed: true, operations: reusedLog),
    GoldenStore(name: "recovered", isCompressed: true) { machine in
      try crashed(&machine, .tornGarbage)
      try machine.open().close()
    },
  ]
}
