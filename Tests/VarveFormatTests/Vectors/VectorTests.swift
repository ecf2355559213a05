import Foundation
import Testing
import VarveFormat
import VarveTestSupport

/// Holds the files in `format-spec/vectors` to what this code writes and reads.
///
/// They are what a decoder in another language is tested with. A change of the format changes them:
///
/// ```
/// VARVE_WRITE_VECTORS=1 swift test --filter VectorTests   writes them again; then read the diff
/// ```
@Suite("Vectors")
struct VectorTests {
  static let files: [(name: String, make: @Sendable () throws -> [Vector])] = [
    ("header", { FileVectors.headers + FileVectors.names }),
    ("manifest", { FileVectors.manifests }),
    ("catalog", { FileVectors.keyspaces }),
    ("batch", { LogVectors.batches }),
    (
      "log-records", { LogVectors.good + LogVectors.torn + LogVectors.broken + LogVectors.badFiles }
    ),
    ("log-stores", { StoreVectors.crashed + StoreVectors.damaged + StoreVectors.closed }),
    ("bucket", BucketVectors.all),
  ]

  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "format-spec/vectors")

  @Test(arguments: files.map(\.name))
  func eachVectorIsWhatThisCodeWritesAndReads(_ name: String) throws {
    let vectors = try #require(Self.files.first { $0.name == name }).make()
    var written: [JSON] = []
    for vector in vectors {
      let (accepted, json) = try vector.outcome()
      #expect(accepted == vector.isGood, "\(vector.name)")
      written.append(vector.json(json))
    }
    let text = JSON.list(written).written() + "\n"
    let file = Self.folder.appending(path: "\(name).json")
    if ProcessInfo.processInfo.environment["VARVE_WRITE_VECTORS"] != nil {
      try Data(text.utf8).write(to: file)
    }
    let stored = try String(contentsOf: file, encoding: .utf8)
    #expect(stored == text, "\(name).json differs: see VectorTests")
  }

  @Test func eachVectorHasANameOfItsOwn() throws {
    for (file, make) in Self.files {
      let vectors = try make()
      let names = vectors.map { "\($0.kind) \($0.name)" }
      #expect(Set(names).count == names.count, "\(file)")
    }
  }

  @Test func tornAndBrokenLogsEndWhereTheirNamesSay() throws {
    for (reason, vectors) in [("torn", LogVectors.torn), ("broken", LogVectors.broken)] {
      for vector in vectors {
        let text = try vector.outcome().json.written()
        #expect(text.contains("\"reason\": \"\(reason)\""), "\(vector.name)")
      }
    }
  }
}
