import Foundation
import Testing
import VarveFormat
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Buckets that are kept, each beside what its machine has: today's code reads them, goes on from them, and makes
/// the same bytes by the same operations.
@Suite(.serialized) struct GoldenBucketTests {
  private static let labels = GoldenBucket.all.map(\.name)

  private static func folder(_ name: String) throws -> GoldenFolder {
    GoldenFolder(of: try #require(GoldenBucket.all.first { $0.name == name }))
  }

  @Test func someAreKeptAndEachIsMadeByOperations() throws {
    let kept = try GoldenFolder.all(in: GoldenFolder.buckets)
    let current = kept.filter { $0.label.hasPrefix(GoldenFolder.current + "/") }.map(\.name)
    #expect(current.sorted() == GoldenBucket.all.map(\.name).sorted())
    #expect(!kept.isEmpty)
  }

  @Test(arguments: labels)
  func isWhatItsSumsSay(_ name: String) throws {
    let folder = try Self.folder(name)
    #expect(try folder.sums() == folder.text("SHA256SUMS"))
  }

  /// Every kind of object, and of what a machine keeps of them.
  @Test(arguments: labels)
  func everyKindIsKept(_ name: String) throws {
    let folder = try Self.folder(name)
    let kinds = Set(try folder.objects().keys.map { $0.split(separator: "/")[0] })
    #expect(kinds == ["store", "manifest", "file", "log", "pin"])
    let files = try folder.files().keys
    #expect(files.contains(FileName.bucket) && files.contains(FileName.slots))
    #expect(files.contains { $0.hasSuffix(".tail") })
  }

  /// Beside what its machine has, in both ways, without changing a byte here or there.
  @Test(arguments: labels)
  func isReadByTodaysCode(_ name: String) throws {
    let folder = try Self.folder(name)
    let (expected, objects) = (try GoldenFolder.Expectation(kept: folder), try folder.objects())
    for mode in [StoreOptions.ReadMode.mapped, .buffered] {
      let bucket = try GoldenMachine.bucket(of: objects)
      let (store, disk) = try GoldenMachine.open(
        try folder.files(), beside: bucket, .readOnly, mode)
      let before = disk.fingerprint()
      Self.expectSame(try GoldenFolder.Expectation(of: store), expected, "\(name), \(mode)")
      try store.close()
      #expect(disk.fingerprint() == before && bucket.changes.count == objects.count)
    }
  }

  /// What was read before is read again without a request for a file: the tails and the slot are taken.
  @Test(arguments: labels)
  func whatTheMachineKeepsIsTaken(_ name: String) throws {
    let folder = try Self.folder(name)
    func requests(_ isKept: (String) -> Bool) throws -> Int {
      let bucket = try GoldenMachine.bucket(of: try folder.objects())
      let files = try folder.files().filter { isKept($0.key) }
      let (store, _) = try GoldenMachine.open(files, beside: bucket, .readOnly, .mapped)
      _ = try store.keyspace("plain").value(for: "key 7") as [UInt8]?
      let count = bucket.calls.count { $0.kind == .read && $0.name.hasPrefix("file/") }
      try store.close()
      return count
    }
    #expect(try requests { _ in true } == 0)
    #expect(try requests { $0 != FileName.slots } > 0)
    #expect(try requests { !$0.hasSuffix(".tail") } > 0)
  }

  /// On a machine that has nothing: the newest state, with what is in logs, and the one that was kept by name.
  @Test(arguments: labels)
  func isRestored(_ name: String) throws {
    let folder = try Self.folder(name)
    let expected = try GoldenFolder.Expectation(kept: folder)
    var bucket = try GoldenMachine.bucket(of: try folder.objects())
    let store = try GoldenMachine.restore(from: bucket, .newest)
    Self.expectSame(try GoldenFolder.Expectation(of: store), expected, "\(name), restored")
    #expect(try store.scrubBucket().isSound)
    try store.close()
    bucket = try GoldenMachine.bucket(of: try folder.objects())
    let kept = try GoldenMachine.restore(from: bucket, .checkpoint(GoldenBucket.checkpoint))
    #expect(try GoldenFolder.Expectation(of: kept).entries == folder.text("uploaded.jsonl"))
    try kept.close()
  }

  /// A store of then is written to, compacted and put now, and read by another machine.
  @Test(arguments: labels)
  func isWrittenToByTodaysCode(_ name: String) throws {
    let folder = try Self.folder(name)
    let bucket = try GoldenMachine.bucket(of: try folder.objects())
    let (store, _) = try GoldenMachine.open(
      try folder.files(), beside: bucket, .readWrite, .mapped)
    try store.keyspace("plain").put("of today", "written")
    try store.compact()
    try store.upload()
    try store.collectBucket(grace: 0)
    try store.keyspace("plain").delete("of today", durability: .remote)
    try store.close()
    let restored = try GoldenMachine.restore(from: bucket, .newest)
    Self.expectSame(
      try GoldenFolder.Expectation(of: restored), try GoldenFolder.Expectation(kept: folder), name)
    try restored.close()
  }

  @Test(arguments: labels)
  func isMadeAgainByteForByte(_ name: String) throws {
    let golden = try #require(GoldenBucket.all.first { $0.name == name })
    let folder = GoldenFolder(of: golden)
    let made = try golden.made()
    // Another version of a codec may compress otherwise, which the names of objects tell as well.
    guard folder.text("codecs") == GoldenFolder.codecs else {
      let bucket = try GoldenMachine.bucket(of: made.objects)
      let (store, _) = try GoldenMachine.open(made.files, beside: bucket, .readOnly, .mapped)
      let expected = try GoldenFolder.Expectation(kept: folder)
      Self.expectSame(try GoldenFolder.Expectation(of: store), expected, "\(name), made now")
      return try store.close()
    }
    Self.expectSame(made.files, try folder.files(), "\(name), machine")
    Self.expectSame(made.objects, try folder.objects(), "\(name), bucket")
  }

  /// The second decoder, written from the specification alone, sees the same entries, and can read every object.
  @Test(
    .enabled(if: SpecDecoder.isInstalled, "tools/setup was not run: there is no .venv/bin/python"),
    arguments: labels)
  func isReadByTheSecondDecoder(_ name: String) throws {
    let folder = try Self.folder(name)
    let bucket = folder.url.appending(path: "bucket").path
    let run = try SpecDecoder.run(
      ["--bucket", bucket, "--now", String(GoldenMachine.nowMilliseconds)])
    #expect(run.status == 0, "\(name): \(run.output.suffix(300))")
    if run.output != folder.text("uploaded.jsonl") { Issue.record("\(name): other entries") }
    let objects = try folder.objects().keys.sorted().map { "\(bucket)/\($0)" }
    let tie = folder.url.appending(path: "store/\(FileName.bucket)").path
    let all = try SpecDecoder.run(objects + [tie])
    #expect(all.status == 0, "\(name): \(all.output.suffix(300))")
  }

  private static func expectSame(
    _ found: GoldenFolder.Expectation, _ expected: GoldenFolder.Expectation, _ what: String
  ) {
    // Not the lines themselves: some are long.
    if found.entries != expected.entries { Issue.record("\(what): other entries") }
    if found.keyspaces != expected.keyspaces { Issue.record("\(what): other keyspaces") }
  }

  private static func expectSame(
    _ made: [String: [UInt8]], _ kept: [String: [UInt8]], _ what: String
  ) {
    #expect(made.keys.sorted() == kept.keys.sorted(), "\(what): other names")
    for (name, bytes) in kept {
      guard let now = made[name], !now.isSame(as: bytes) else { continue }
      let place = zip(now, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      Issue.record(
        "\(what), \(name): \(now.count) bytes, kept are \(bytes.count); differs at \(place ?? min(now.count, bytes.count))"
      )
    }
  }
}
