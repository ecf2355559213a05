import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Forged entries that share one large value: whoever follows each pointer reads it as often as it is named.
@Suite struct ValueClaimsTests {
  private static let count = 200
  private static let valueBytes = 1 << 20

  /// An open store whose log says of each key that one and the same value is its.
  private struct Forged {
    let tested: TestedStore
    let disk: SimulatedFileSystem
    let store: SegmentStore
    let pointer: ValuePointer

    init(isSynced: Bool) throws {
      (tested, disk) = try TestedStore.simulated()
      store = try tested.open()
      let main = try store.main()
      var random = SeededRandom(seed: 1)
      let value = random.bytes(valueBytes)
      let engine = store.engine
      let placed = try Array("key".utf8).withByteView { key in
        try value.withByteView { value in
          try engine.placement.place(
            SingleWrite(kind: .put, keyspace: main.number, key: key, value: value, expiry: 0),
            main.policy)
        }
      }
      defer { placed.file.unpin() }
      pointer = placed.pointer
      for index in 0..<count {
        var batch = BatchEncoder()
        try Array("key \(1_000 + index)".utf8).withByteView {
          try batch.put($0, in: main.number, at: pointer)
        }
        try engine.submit(
          CommitRequest(
            batch, isSynced: isSynced, valueFiles: [placed.file], valueBytes: valueBytes))
      }
    }
  }

  /// As many as the file has room for: what comes behind them is not whole.
  private static func fits(_ image: TestedStore) throws -> Int {
    let sizes = try image.names(.values).map { try image.bytes($0).count }
    return (sizes.max() ?? 0) / valueBytes
  }

  @Test func aRecoveryWritesNoMoreThanThereIs() throws {
    let forged = try Forged(isSynced: false)
    let image = try TestedStore.afterCrash(of: forged.disk, .everything)
    let most = try Self.fits(image)
    #expect(1..<Self.count / 2 ~= most)
    let store = try image.open()
    #expect(image.lastOpening?.entries ?? .max <= most)
    #expect(image.lastOpening?.tornBytes ?? 0 > 0)
    try store.close()
  }

  @Test func aReaderLooksAtNoMoreThanThereIs() throws {
    let forged = try Forged(isSynced: false)
    let image = try TestedStore.afterCrash(of: forged.disk, .everything)
    let most = try Self.fits(image)
    let store = try image.open { $0.access = .readOnly }
    #expect(image.lastOpening?.entries ?? .max <= most)
    try store.close()
  }

  @Test func theVerifierReadsNoMoreThanThereIs() throws {
    let forged = try Forged(isSynced: true)
    let image = try TestedStore.afterCrash(of: forged.disk, .everything)
    let most = try Self.fits(image)
    let report = try StoreVerifier(at: image.path, on: image.fileSystem).run(.deep)
    #expect(report.values <= most)
    #expect(report.damage + report.notices >= Self.count - most)
  }

  /// What is known to be durable is not torn: damage.
  @Test func durableEntriesThatShareAValueAreDamage() throws {
    let forged = try Forged(isSynced: true)
    try forged.store.put("behind", [1])
    let image = try TestedStore.afterCrash(of: forged.disk, .durableOnly)
    let failure = try storeFailure { _ = try image.open() }
    #expect(failure?.code == .corrupted, "\(String(describing: failure))")
  }

  @Test func aMergeCopiesNoMoreThanThereIs() throws {
    let forged = try Forged(isSynced: true)
    let engine = forged.store.engine
    let keyspace = try forged.store.main().number
    var output = SegmentOutput(
      engine, level: 0,
      SegmentOutput.ValueRules(keyspaces: engine.catalog.liveness(), isRelocated: { _ in true }))
    defer { output.abandon() }
    let failure = try storeFailure {
      for index in 0..<Self.count {
        let key = EngineKey.start(of: keyspace) + "\(1_000 + index)".utf8
        try key.withByteView { key in
          try forged.pointer.encoded().withByteView { pointer in
            try output.add(
              EntryView(key: key, sequence: SequenceNumber(1), kind: .pointer, value: pointer))
          }
        }
      }
    }
    #expect(failure?.code == .corrupted, "\(String(describing: failure))")
    #expect(failure?.file == "\(FileName(.values, forged.pointer.file))")
  }
}
