import Foundation
import VarveFormat

@testable import VarveCLI

/// The vectors of the format specification as inputs: good ones and bad ones.
enum VectorSeeds {
  private static let files = [
    "batch", "bucket", "catalog", "header", "log-records", "log-stores", "manifest", "segment-bad",
    "segment-good", "value-bad", "value-good",
  ]

  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "format-spec/vectors")

  static func add(to inputs: inout Inputs) throws {
    for file in files {
      let data = try Data(contentsOf: folder.appending(path: "\(file).json"))
      let list = try JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []
      for (number, vector) in list.enumerated() {
        add(vector, as: "\(file)-\(number)", to: &inputs)
      }
    }
  }

  private static func add(_ vector: [String: Any], as name: String, to inputs: inout Inputs) {
    if let files = vector["files"] as? [String: String] {
      let members = files.sorted { $0.key < $1.key }
        .map { Archive.Member(name: $0.key, bytes: parsed($0.value)) }
      inputs.add(Archive(members).bytes, to: "replay", as: name)
    }
    if let text = vector["text"] as? String { inputs.add(Array(text.utf8), to: "names", as: name) }
    guard let hex = vector["hex"] as? String else { return }
    let bytes = parsed(hex)
    switch vector["kind"] as? String {
    case "log": inputs.add(file: bytes, of: .log, as: name)
    case "segment": inputs.add(file: bytes, of: .segment, as: name)
    case "values": inputs.add(file: bytes, of: .values, as: name)
    case "manifest": inputs.add(file: bytes, of: .manifest, as: name)
    case "batch": inputs.add(bytes, to: "batch", as: name)
    case "object": inputs.add(bytes, to: "bucket", as: name)
    case "header": inputs.add(bytes, to: "header", as: name)
    default: inputs.add(bytes, to: "names", as: name)
    }
  }

  private static func parsed(_ hex: String) -> [UInt8] { Hexadecimal.parse(hex.utf8) ?? [] }
}
