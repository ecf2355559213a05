import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// A store of a few KiB with something of everything in it, and all that can be done with it once
/// its files are forged.
struct ForgedSample {
  private let disk: SimulatedFileSystem
  private let tested: TestedStore

  init(closesCleanly: Bool) throws {
    (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try Self.fill(store)
    if closesCleanly { try store.close() } else { disk.crash() }
  }

  private static func fill(_ store: SegmentStore) throws {
    var random = SeededRandom(seed: 5)
    var raw = KeyspacePolicy()
    raw.compression = .none
    raw.valueAlignment = 32
    raw.blockBytes = 4 << 10
    let names = ["default", "raw", "gone"]
    for round in 0..<4 {
      for name in names {
        let keyspace = try store.keyspace(name, name == "raw" ? raw : .default)
        for index in 0..<40 {
          let value = index % 9 == 0 ? random.text(1500) : random.text(20 + index)
          try keyspace.put(
            "key \(index % 30) \(round % 2)", value, durability: .buffered,
            expiresIn: index % 7 == 0 ? 1_000_000 : nil)
        }
        try keyspace.delete("key \(round) 0", durability: .buffered)
      }
      if round == 2 { try store.dropKeyspace("gone") }
      if round < 3 { try store.flush() }
      if round == 1 { try store.compact() }
    }
    try store.sync()
  }

  /// The files of a kind, ready to be forged.
  func forgers(_ kind: FileName.Kind) throws -> [(name: String, forger: FileForger)] {
    let image = try TestedStore(disk.crashImage(.everything), "store")
    return try image.names(kind).compactMap { name in
      guard let forger = try? FileForger(kind, try image.bytes(name)) else { return nil }
      return (name, forger)
    }
  }

  /// The manifest with numbers in it that no writer writes, and checksums that hold.
  func forgedVersion(_ mutator: inout Mutator) throws -> (name: String, bytes: [UInt8]) {
    let image = try TestedStore(disk.crashImage(.everything), "store")
    let name = try #require(try image.names(.manifest).last)
    var manifest = try image.bytes(name).withByteView { try Manifest(decoding: $0) }
    for _ in 0...mutator.random.below(4) { Self.change(&manifest, &mutator) }
    return (name, manifest.encoded())
  }
}

// MARK: - Numbers of a version

extension ForgedSample {
  private static var numbers: [WritableKeyPath<SegmentRecord, UInt64>] {
    [
      \.entryCount, \.keyCount, \.deleteCount, \.expiringCount, \.earliestExpiry, \.latestExpiry,
      \.rawBytes, \.smallestSequence.rawValue, \.largestSequence.rawValue, \.number, \.size,
    ]
  }

  private static func change(_ manifest: inout Manifest, _ mutator: inout Mutator) {
    let number = mutator.edge()
    let segment = mutator.random.below(manifest.segments.count)
    switch mutator.random.below(12) {
    case 0: manifest.nextFileNumber = number
    case 1: manifest.lastSequence.rawValue = number
    case 2: manifest.logFloor = number
    case 3: manifest.timeFloor = number
    case 4: manifest.isCleanlyClosed.toggle()
    case 5: changeKeys(&manifest.segments[segment], &mutator)
    case 6: manifest.segments[segment].level = UInt8(mutator.random.below(17))
    case 7: changeReferences(&manifest.segments[segment], number, &mutator)
    case 8: if !manifest.logs.isEmpty { manifest.logs[0].lastSequence.rawValue = number }
    default:
      // Several counts of all segments, so that their sums are reached.
      let path = numbers[mutator.random.below(numbers.count - 2)]
      let others = numbers[mutator.random.below(numbers.count)]
      for index in manifest.segments.indices {
        manifest.segments[index][keyPath: path] = number
        if mutator.random.below(3) == 0 { manifest.segments[index].entryCount = .max }
      }
      if mutator.random.below(4) == 0 { manifest.segments[segment][keyPath: others] = number }
    }
  }

  private static func changeKeys(_ segment: inout SegmentRecord, _ mutator: inout Mutator) {
    let key = [UInt8](repeating: 0xff, count: 4 + mutator.random.below(3))
    switch mutator.random.below(3) {
    case 0: segment.smallestKey = [0, 0, 0, UInt8(mutator.random.below(3))]
    case 1: segment.largestKey = key
    default: segment.largestKey = segment.smallestKey
    }
  }

  private static func changeReferences(
    _ segment: inout SegmentRecord, _ number: UInt64, _ mutator: inout Mutator
  ) {
    for index in segment.valueReferences.indices where mutator.random.below(2) == 0 {
      segment.valueReferences[index].bytes = number
      segment.valueReferences[index].count = max(1, number)
    }
  }
}

// MARK: - Everything that reads

extension ForgedSample {
  /// More than the sample holds in all its versions.
  private static let mostEntries = 5_000

  /// Puts the forged files in place of the sound ones and reads, checks and rewrites everything.
  func exercise(_ forged: [String: [UInt8]], _ seed: UInt64, _ what: String) throws {
    let image = try TestedStore(disk.crashImage(.everything), "store")
    for (name, bytes) in forged { try image.replace(name, bytes) }
    let mode: StoreOptions.ReadMode = seed % 2 == 0 ? .mapped : .buffered
    if seed % 3 == 0 {
      check(what) { for finding in try image.findings() { _ = finding.description } }
      check(what) { for finding in try image.findings(.fast) { _ = finding.description } }
    }
    check(what) {
      let store = try image.open {
        $0.readMode = mode
        $0.access = .readOnly
      }
      read(store, what)
      try store.close()
    }
    check(what) { try rewrite(image, mode, what) }
    // What it wrote can be opened again, or is refused like the rest.
    check(what) {
      let store = try image.open { $0.access = .readOnly }
      try store.close()
    }
  }

  private func read(_ store: SegmentStore, _ what: String) {
    _ = store.metrics()
    _ = store.spaceNeededToCompact()
    for keyspace in store.keyspaces {
      for order in [ScanOrder.ascending, .descending] {
        check(what) {
          var count = 0
          var cursor = try keyspace.cursor(order: order)
          while try cursor.next(), count <= Self.mostEntries { count += 1 }
          #expect(count <= Self.mostEntries, "\(what): a scan without end")
        }
      }
      for index in 0..<30 {
        check(what) {
          _ = try keyspace.value(for: "key \(index) 0")
          _ = try keyspace.size(ofValueFor: "key \(index) 1")
        }
      }
      check(what) {
        _ = try keyspace.approximateSize()
        _ = try keyspace.approximateSize(of: KeyRange(prefix: Array("key 1".utf8)))
      }
    }
  }

  private func rewrite(
    _ image: TestedStore, _ mode: StoreOptions.ReadMode, _ what: String
  ) throws {
    let store = try image.open(.inline) { $0.readMode = mode }
    check(what) { try store.put("key 3 1", [1, 2, 3]) }
    check(what) { _ = try store.keyspace("another").put("key", "value") }
    check(what) { try store.flush() }
    check(what) { try store.compact() }
    read(store, what)
    check(what) { try store.close() }
  }

  /// Runs `body`, which may be refused, but only as damaged input is.
  private func check(_ what: String, _ body: () throws -> Void) {
    do { try body() } catch {
      guard let error = error as? StoreError else {
        Issue.record("\(what): \(error)")
        return
      }
      let isDamage =
        [.corrupted, .incompatible].contains(error.code) && error.file != nil
        && error.offset != nil
      // What is read may be put together into a version that could not be read back.
      let isRefused = error.code == .invalid && error.structure == "manifest"
      #expect(isDamage || isRefused, "\(what): \(error)")
    }
  }
}
