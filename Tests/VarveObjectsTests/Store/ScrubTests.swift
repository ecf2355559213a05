import Testing
import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

/// Copies that are damaged, there or here, are told and put right from each other.
@Suite struct ScrubTests {
  private static func sound(_ store: SegmentStore) throws -> Bool {
    try store.scrubBucket().damages.isEmpty
  }

  /// A store of which all is in the bucket and here.
  private static func filled(_ machine: TieredStore) throws -> (SegmentStore, Sample) {
    var sample = Sample(seed: 1)
    let store = try machine.open()
    // Many files: else values are laid out in one.
    store.pauseCompaction()
    try sample.write(300, to: store)
    try store.upload()
    return (store, sample)
  }

  private static func copies(_ machine: TieredStore) -> [ObjectName] {
    machine.bucket.names.filter { $0.description.hasPrefix("file/") }
  }

  private enum Harm: CaseIterable {
    case missing, shorter, changed

    func done(to bytes: [UInt8]) -> [UInt8]? {
      switch self {
      case .missing: return nil
      case .shorter: return Array(bytes.dropLast())
      case .changed:
        var changed = bytes
        changed[changed.count / 2] ^= 1
        return changed
      }
    }
  }

  @Test func everyCopyInTheBucketIsLookedAt() throws {
    let machine = TieredStore()
    let (store, sample) = try Self.filled(machine)
    #expect(try Self.sound(store))
    let whole = try store.scrubBucket()
    #expect(whole.files == Self.copies(machine).count && whole.files > 5)
    for name in Self.copies(machine) {
      for harm in Harm.allCases {
        let bytes = try #require(machine.bucket.bytes(of: name))
        machine.bucket.tamper(name, with: harm.done(to: bytes))
        let quick = try store.scrubBucket(isDeep: false)
        #expect(quick.damages.count == (harm == .changed ? 0 : 1))
        let found = try store.scrubBucket()
        #expect(found.damages.map(\.place) == [.bucket] && !found.isSound, "\(harm)")
        let repaired = try store.scrubBucket(repairs: true)
        #expect(repaired.damages.map(\.isRepaired) == [true] && repaired.isSound)
        #expect(machine.bucket.bytes(of: name) == bytes)
      }
    }
    #expect(try Self.sound(store))
    #expect(try sample.difference(from: store) == nil)
    try store.close()
  }

  @Test func everyCopyOfThisMachineIsLookedAt() throws {
    let machine = TieredStore()
    let (store, sample) = try Self.filled(machine)
    let directory = try machine.disk.openDirectory(at: "/store", create: false)
    let names = try directory.names().filter {
      $0.hasPrefix("segment-") || $0.hasPrefix("values-")
    }
    var found = 0
    for name in names {
      let file = try directory.openForWriting(name)
      let size = try file.size()
      let byte = AlignedBuffer(capacity: 1)
      _ = try file.read(into: byte, count: 1, at: size / 2)
      try file.write([byte.view(count: 1).array[0] ^ 1], at: size / 2)
      try file.close()
      let scrub = try store.scrubBucket(repairs: true)
      // One that is being written has no copy yet.
      if scrub.damages.isEmpty { continue }
      #expect(scrub.damages.map(\.file) == [name] && scrub.damages[0].place == .machine)
      #expect(scrub.isSound)
      found += 1
    }
    #expect(found > 5)
    #expect(try Self.sound(store))
    #expect(try sample.difference(from: store) == nil)
    try store.close()
    #expect(try StoreVerifier(at: "/store", on: machine.disk).run(.deep).isSound)
  }

  /// What is damaged on both sides, or only lies on the damaged one, is told and left as it is.
  @Test func whatNobodyHasIsTold() throws {
    let machine = TieredStore()
    let (store, _) = try Self.filled(machine)
    try store.evict()
    let name = try #require(Self.copies(machine).first)
    let bytes = try #require(machine.bucket.bytes(of: name))
    machine.bucket.tamper(name, with: Harm.changed.done(to: bytes))
    let scrub = try store.scrubBucket(repairs: true)
    #expect(scrub.damages.count == 1 && !scrub.isSound)
    #expect(machine.bucket.bytes(of: name) == Harm.changed.done(to: bytes))
    try store.close()
  }

  /// Whoever was taken over from puts nothing right: it may have gone for a reason.
  @Test func aFencedMachinePutsNothing() throws {
    let machine = TieredStore()
    let (store, _) = try Self.filled(machine)
    let other = try machine.openElsewhere()
    let name = try #require(Self.copies(machine).first)
    machine.bucket.tamper(name, with: nil)
    #expect(throws: StoreError.self) { try store.scrubBucket(repairs: true) }
    #expect(machine.bucket.bytes(of: name) == nil)
    try store.close()
    try other.close()
  }
}
