import Foundation
import Testing
import VarveFormat
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Stores that are kept: today's code reads them, and makes the same bytes by the same operations.
///
/// ```
///              operations ──today's code──> files  ==  format-spec/golden/v0/<name>/store
///   format-spec/golden/v*/<name>/store ──today's code, tools/spec-decoder──> entries  ==  entries.jsonl
/// ```
///
/// `tools/golden` writes them, and only where the changelog says why: see format-spec/golden/README.md.
@Suite(.serialized) struct GoldenTests {
  /// Runs before the others: writes what `tools/golden` asks for.
  @Test(.enabled(if: GoldenWriting.isAskedFor))
  func areWrittenAgain() throws { try GoldenWriting.run() }

  @Test func someAreKeptAndEachIsMadeByOperations() throws {
    let kept = try GoldenFolder.all()
    let current = kept.filter { $0.label.hasPrefix(GoldenFolder.current + "/") }.map(\.name)
    #expect(current.sorted() == GoldenStore.all.map(\.name).sorted())
    #expect(kept.count >= 11)
  }

  @Test(arguments: try GoldenFolder.all().map(\.label))
  func isWhatItsSumsSay(_ label: String) throws {
    let folder = GoldenFolder(GoldenFolder.root.appending(path: label))
    #expect(try folder.sums() == folder.text("SHA256SUMS"))
  }

  /// Without changing a byte, in both ways of reading.
  @Test(arguments: try GoldenFolder.all().map(\.label))
  func isReadByTodaysCode(_ label: String) throws {
    let folder = GoldenFolder(GoldenFolder.root.appending(path: label))
    let expected = try GoldenFolder.Expectation(kept: folder)
    for mode in [StoreOptions.ReadMode.mapped, .buffered] {
      let (store, disk) = try GoldenMachine.open(try folder.files(), .readOnly, mode)
      let before = disk.fingerprint()
      let found = try GoldenFolder.Expectation(of: store)
      try store.close()
      expectSame(found, expected, "\(label), \(mode)")
      #expect(disk.fingerprint() == before, "\(label), \(mode): reading has changed it")
    }
    var findings: [IntegrityFinding] = []
    let (store, disk) = try GoldenMachine.open(try folder.files(), .readOnly, .mapped)
    try store.close()
    try StoreVerifier(at: "store", on: disk).run(.deep) { findings.append($0) }
    #expect(findings.allSatisfy { $0.severity != .damage }, "\(label): \(findings)")
  }

  /// A store of then is written to, compacted and read now.
  @Test(arguments: try GoldenFolder.all().map(\.label))
  func isWrittenToByTodaysCode(_ label: String) throws {
    let folder = GoldenFolder(GoldenFolder.root.appending(path: label))
    let (store, disk) = try GoldenMachine.open(try folder.files(), .readWrite, .mapped)
    let expected = try GoldenFolder.Expectation(kept: folder)
    try store.keyspace("default").put("of today", "written")
    try store.compact()
    try store.keyspace("default").delete("of today")
    expectSame(try GoldenFolder.Expectation(of: store), expected, "\(label), compacted")
    try store.close()
    let again = try CrashWorkload.open(disk)
    try again.keyspace("default").put("of today", "written")
    #expect(try again.keyspace("default").text("of today") == "written")
    try again.close()
  }

  @Test(arguments: GoldenStore.all.map(\.name))
  func isMadeAgainByteForByte(_ name: String) throws {
    let golden = try #require(GoldenStore.all.first { $0.name == name })
    let folder = GoldenFolder(of: golden)
    let (kept, made) = (try folder.files(), try golden.files())
    // Another version of a codec may compress otherwise; what is in the files is the same.
    if folder.text("codecs").map({ $0 != GoldenFolder.codecs }) ?? false {
      let (store, _) = try GoldenMachine.open(made, .readOnly, .mapped)
      expectSame(
        try GoldenFolder.Expectation(of: store), try GoldenFolder.Expectation(kept: folder), name)
      return try store.close()
    }
    #expect(made.keys.sorted() == kept.keys.sorted(), "\(name): other files")
    for (file, bytes) in kept {
      guard let now = made[file], !now.isSame(as: bytes) else { continue }
      let place = zip(now, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      Issue.record(
        "\(name), \(file): \(now.count) bytes, kept are \(bytes.count); differs at \(place ?? min(now.count, bytes.count))"
      )
    }
  }

  /// The second decoder, written from the specification alone, sees the same entries.
  @Test(
    .enabled(if: SpecDecoder.isInstalled, "tools/setup was not run: there is no .venv/bin/python"),
    arguments: try GoldenFolder.all().map(\.label))
  func isReadByTheSecondDecoder(_ label: String) throws {
    let folder = GoldenFolder(GoldenFolder.root.appending(path: label))
    let store = folder.url.appending(path: "store").path
    let run = try SpecDecoder.run(
      ["--entries", store, "--now", String(GoldenMachine.nowMilliseconds)])
    #expect(run.status == 0, "\(label): \(run.output.suffix(300))")
    if run.output != folder.text("entries.jsonl") { Issue.record("\(label): other entries") }
    // What no codec made is the same bytes with every version of the codecs.
    let names = try folder.files().keys.filter { !$0.hasPrefix("log-") }
    let files = try SpecDecoder.run(names.map { "\(store)/\($0)" })
    let isCompressed = ["\"lz4", "\"zstd", "lz4\"", "zstd\""].contains {
      files.output.contains($0)
    }
    #expect(isCompressed == (folder.text("codecs") != nil), "\(label)")
  }

  private func expectSame(
    _ found: GoldenFolder.Expectation, _ expected: GoldenFolder.Expectation, _ what: String
  ) {
    // Not the lines themselves: some are long.
    if found.entries != expected.entries { Issue.record("\(what): other entries") }
    if found.keyspaces != expected.keyspaces { Issue.record("\(what): other keyspaces") }
  }
}
