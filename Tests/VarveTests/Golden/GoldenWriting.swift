import Foundation
import Testing
import VarveFormat

@testable import Varve

/// Writes golden stores for `tools/golden`, which sets what this reads from the environment.
///
/// `VARVE_WRITE_GOLDEN` is `missing`, for stores that were not kept before, or the line of `CHANGELOG.md`
/// that says how the format changed. From version 1 on nothing that is kept is written again.
enum GoldenWriting {
  private static let asked = ProcessInfo.processInfo.environment["VARVE_WRITE_GOLDEN"]

  static var isAskedFor: Bool { asked != nil }

  static func run() throws {
    let line = asked ?? ""
    let isAllowed = line == "missing" || isAboutTheFormat(line)
    try #require(isAllowed, "CHANGELOG.md has no such line on the format: \(line)")
    for store in GoldenStore.all {
      let folder = GoldenFolder(of: store)
      if folder.exists, line == "missing" { continue }
      let made = try store.files()
      if folder.exists, try folder.files() == made { continue }
      let (opened, _) = try GoldenMachine.open(made, .readOnly, .mapped)
      try folder.write(
        made, try GoldenFolder.Expectation(of: opened), isCompressed: store.isCompressed)
      try opened.close()
      print("written: \(folder.label)")
    }
    for bucket in GoldenBucket.all { try write(bucket, onlyMissing: line == "missing") }
  }

  private static func write(_ golden: GoldenBucket, onlyMissing: Bool) throws {
    let folder = GoldenFolder(of: golden)
    if folder.exists, onlyMissing { return }
    let (files, objects) = try golden.made()
    if folder.exists, try folder.files() == files, try folder.objects() == objects { return }
    let bucket = try GoldenMachine.bucket(of: objects)
    let (store, _) = try GoldenMachine.open(files, beside: bucket, .readOnly, .mapped)
    let kept = try GoldenMachine.restore(from: bucket, .checkpoint(GoldenBucket.checkpoint))
    try folder.write(
      files, try GoldenFolder.Expectation(of: store), isCompressed: true, objects: objects,
      uploaded: try GoldenFolder.Expectation(of: kept))
    try kept.close()
    try store.close()
    print("written: buckets/\(folder.label)")
  }

  /// Whether it is a line of the changelog on version 0, which alone may change.
  private static func isAboutTheFormat(_ line: String) -> Bool {
    let changelog = GoldenFolder.root.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "CHANGELOG.md")
    let text = (try? String(contentsOf: changelog, encoding: .utf8)) ?? ""
    return FileHeader.currentVersion == 0 && line.hasPrefix("- Format (version 0): ")
      && text.split(separator: "\n").contains(line[...])
  }
}
