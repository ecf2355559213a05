import Foundation
import Testing
import VarveFormat

@testable import VarveCLI

/// Dumps every vector of the format specification: the good ones without damage, the bad ones with
/// a line that names the very structure and offset that the specification names.
@Suite("Dump of the specification's vectors")
struct DumpVectorTests {
  struct Vector {
    var name: String
    /// Of the file.
    var fileName: String
    var bytes: [UInt8]
    /// What is wrong, if anything.
    var structure: String?
    var offset: UInt64?
  }

  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "format-spec/vectors")

  /// Flaws that only the manifest shows (another segment; a value file that ends too early, as one
  /// does that is still being written), or the decompressed value: the matter of `verify --deep`.
  static let beyondOneFile: Set<String> = [
    "segment-bad: another identity", "value-bad: cut", "value-bad: type-zero",
    "value-bad: lz4-garbage", "value-bad: zstd-garbage",
  ]

  private static func vectors(_ file: String) throws -> [Vector] {
    let data = try Data(contentsOf: folder.appending(path: "\(file).json"))
    let list = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    return try list.map { item in
      let expect = try #require(item["expect"] as? [String: Any])
      let end = expect["end"] as? [String: Any]
      let error = (expect["error"] ?? end?["error"]) as? [String: Any]
      return Vector(
        name: try #require(item["name"] as? String), fileName: try fileName(item),
        bytes: try #require(Hexadecimal.parse((item["hex"] as? String ?? "").utf8)),
        structure: error?["structure"] as? String,
        offset: (error?["offset"] as? NSNumber)?.uint64Value)
    }
  }

  private static func fileName(_ item: [String: Any]) throws -> String {
    guard let object = item["as"] as? String else {
      return "\(try #require(item["kind"] as? String))-0000000000000001"
    }
    let digits = item["number"].map { "\($0)" } ?? ""
    let number = String(repeating: "0", count: 20 - digits.count) + digits
    return object == "pin" ? "pin/x" : digits.isEmpty ? object : "\(object)/\(number)"
  }

  @Test(
    "names what the specification names",
    arguments: [
      "log-records", "manifest", "segment-good", "segment-bad", "value-good", "value-bad",
      "bucket",
    ])
  func namesFlaws(_ file: String) throws {
    let vectors = try Self.vectors(file)
    #expect(!vectors.isEmpty)
    for vector in vectors {
      let lines = try dump(vector)
      let damage = lines.filter { $0.contains(#""what":"damage""#) }
      if Self.beyondOneFile.contains("\(file): \(vector.name)") { continue }
      guard let structure = vector.structure else {
        #expect(damage.isEmpty, "\(vector.name): \(damage)")
        continue
      }
      let offset = try #require(vector.offset)
      let place = #""what":"damage","offset":\#(offset),"structure":"\#(structure)""#
      #expect(damage.contains { $0.contains(place) }, "\(vector.name): \(damage) lacks \(place)")
    }
  }

  private func dump(_ vector: Vector) throws -> [String] {
    let output = CapturedOutput()
    let writer = DumpWriter(output.output, .init(entries: true, asJSON: true))
    try vector.bytes.withByteView {
      try FileDump(writer: writer).run($0, name: vector.fileName)
    }
    return try output.lines()
  }
}
