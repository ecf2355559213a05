import Foundation
import Testing
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Holds the engine against `tools/spec-decoder`, which was written from `format-spec` alone.
///
/// ```
/// SegmentStore --writes--> directory --read by--> tools/spec-decoder --entries
///       |                                                 |
///       +---- forEach of every keyspace  ==  its lines ---+
/// ```
@Suite(
  .enabled(if: SpecDecoder.isInstalled, "tools/setup was not run: there is no .venv/bin/python"))
struct SpecDecoderTests {
  @Test func everyVectorMeansToTheDecoderWhatItSays() throws {
    let run = try SpecDecoder.run(["--vectors", SpecDecoder.root + "/format-spec/vectors"])
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains(" 0 mismatches"), "\(run.output)")
  }

  @Test func theDecoderFindsWhatTheEngineHolds() throws {
    try withFilledStore { store, clock in
      let path = store.path
      // As a crash leaves it: log, value file and manifest of a store that is not closed.
      let entries = try lines(of: store)
      #expect(entries.count > 500)
      try expectSame(entries, path, now: clock.wallMilliseconds(), "open")
      clock.advance(milliseconds: 5000)
      let remaining = try lines(of: store)
      #expect(remaining.count < entries.count, "nothing expired")
      try expectSame(remaining, path, now: clock.wallMilliseconds(), "expired")
      try store.compact()
      try expectSame(remaining, path, now: clock.wallMilliseconds(), "compacted")
      try store.close()
      try expectSame(remaining, path, now: clock.wallMilliseconds(), "closed")
    }
  }

  @Test func theDecoderReadsEachFileOfAClosedStoreByItself() throws {
    try withFilledStore { store, _ in
      let path = store.path
      try store.close()
      let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0 != "lock" }
      for kind in ["log", "segment", "values", "manifest"] {
        #expect(names.contains { $0.hasPrefix(kind + "-") }, "no \(kind) to read")
      }
      let run = try SpecDecoder.run(names.map { path + "/" + $0 })
      #expect(run.status == 0 && !run.output.contains("\"error\""), "\(run.output.suffix(500))")
      for part in ["kind\": \"put", "kind\": \"delete", "kind\": \"pointer", "kind\": 4"] {
        #expect(run.output.contains(part), "no \(part) in the store")
      }
      for codec in ["none", "lz4", "zstd"] {
        #expect(run.output.contains("\"codec\": \"\(codec)\""), "no value is stored by \(codec)")
      }
      for codec in ["lz4", "zstd"] {
        #expect(run.output.contains("\"\(codec)_blocks\""), "no block is stored by \(codec)")
      }
    }
  }

  @Test(arguments: ["log", "segment", "manifest"])
  func theDecoderRefusesAStoreWithAChangedBit(in kind: String) throws {
    try withFilledStore { store, _ in
      let path = store.path
      try store.close()
      let names = try FileManager.default.contentsOfDirectory(atPath: path)
      let name = try #require(names.filter { $0.hasPrefix(kind + "-") }.max())
      let url = URL(filePath: path + "/" + name)
      let whole = try Data(contentsOf: url)
      for place in [0, whole.count / 3, whole.count / 2, whole.count - 1] {
        var damaged = whole
        damaged[place] ^= 0x10
        try damaged.write(to: url)
        let run = try SpecDecoder.run(["--entries", path])
        #expect(run.status == 1 && run.output.contains(name), "\(name), byte \(place)")
      }
    }
  }
}

// MARK: - A store with something of everything

extension SpecDecoderTests {
  static let compressions: [(name: String, Compression)] = [
    ("plain", .none), ("lz4", .lz4), ("zstd", .zstd(level: 3)), ("automatic", .automatic),
  ]

  /// Lends a store that was closed and opened again, with entries in segments of two levels, value
  /// files and logs.
  private func withFilledStore(
    _ body: (SegmentStore, SimulatedClock) throws -> Void
  ) throws {
    let clock = SimulatedClock()
    try FileSystemKind.posix.withStores(clock: clock, background: .none) { open in
      let store = try open()
      var random = SeededRandom(seed: 20)
      try fill(store, &random)
      try store.flush()
      try store.compact()
      try fill(store, &random)
      try store.dropKeyspace("dropped")
      try store.flush()
      try fill(store, &random)
      try store.dropKeyspace("dropped")
      try store.close()
      try body(try open(), clock)
    }
  }

  private func fill(_ store: SegmentStore, _ random: inout SeededRandom) throws {
    var keyspaces = [try store.keyspace("default"), try store.keyspace("dropped")]
    for (name, compression) in Self.compressions {
      var policy = KeyspacePolicy()
      policy.compression = compression
      policy.blockBytes = 4 << 10
      if compression == .none {
        policy.valueAlignment = 64
        policy.filterBitsPerKey = 0
      }
      keyspaces.append(try store.keyspace(name, policy))
    }
    for keyspace in keyspaces {
      var batch = WriteBatch()
      for _ in 0..<100 { add(to: &batch, keyspace, &random) }
      try store.commit(batch, durability: .buffered)
      for durability in [Durability.buffered, .synced] {
        try keyspace.put("large \(durability)", random.text(3000), durability: durability)
        try keyspace.put(random.bytes(9), random.bytes(1024), durability: durability)
      }
      try keyspace.put("", "the empty key")
      try keyspace.put("empty", "")
    }
  }

  /// One write: mostly a put of a common key.
  private func add(
    to batch: inout WriteBatch, _ keyspace: Keyspace, _ random: inout SeededRandom
  ) {
    let number = random.below(300)
    // Some keys are long enough for every branch of the hash.
    let key =
      number % 7 == 0 ? "a package with a name of many letters/\(number)" : "package/\(number)"
    switch random.below(10) {
    case 0, 1: batch.delete(key, in: keyspace)
    case 2:
      let life = UInt64(1 + random.below(10_000))
      batch.put(key, random.text(30), in: keyspace, expiresIn: life)
    case 3: batch.put(key, random.bytes(random.below(2000)), in: keyspace)
    default: batch.put(key, random.text(random.below(400)), in: keyspace)
    }
  }

  /// What the engine holds, in the decoder's words and order.
  private func lines(of store: SegmentStore) throws -> [String] {
    var lines: [String] = []
    for keyspace in store.keyspaces.sorted(by: { $0.number < $1.number }) {
      try keyspace.forEach { key, value in
        let key = hex([UInt8](copying: key))
        let value = hex([UInt8](copying: value))
        lines.append(
          "{\"keyspace\": \"\(keyspace.name)\", \"key\": \"\(key)\", \"value\": \"\(value)\"}")
      }
    }
    return lines
  }

  private func hex(_ bytes: [UInt8]) -> String {
    guard case .text(let text) = JSON.hex(bytes) else { return "" }
    return text
  }

  private func expectSame(_ lines: [String], _ path: String, now: UInt64, _ when: String) throws {
    let run = try SpecDecoder.run(["--entries", path, "--now", String(now)])
    let decoded = run.output.split(separator: "\n").map(String.init)
    #expect(run.status == 0, "\(when): \(decoded.last ?? "")")
    #expect(decoded.count == lines.count, "\(when)")
    let first = zip(lines, decoded).first { $0 != $1 }
    #expect(first == nil, "\(when): engine and decoder differ")
  }
}
