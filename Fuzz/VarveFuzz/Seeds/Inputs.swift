import Foundation
import VarveFormat

/// Inputs by target and name.
struct Inputs {
  private(set) var byTarget: [String: [String: [UInt8]]] = [:]

  /// Adds an input; a second one of that name gets another.
  mutating func add(_ bytes: [UInt8], to target: String, as name: String) {
    var name = name
    while byTarget[target]?[name] != nil { name += "+" }
    byTarget[target, default: [:]][name] = bytes
  }

  /// Adds a file of a store to every target that reads files of its kind.
  mutating func add(file bytes: [UInt8], of kind: FileName.Kind, as name: String) {
    switch kind {
    case .log: add(bytes, to: "log", as: name)
    case .segment: add(bytes, to: "segment", as: name)
    case .values: add(bytes, to: "values", as: name)
    case .manifest: add(bytes, to: "manifest", as: name)
    }
    add(bytes, to: "dump", as: "\(kind)-\(name)")
    add(Array(bytes.prefix(FileHeader.byteCount)), to: "header", as: "\(kind)-\(name)")
  }

  /// Writes a folder for each target below `path`; what a target would not read is left out.
  func write(to path: String) throws {
    for (target, inputs) in byTarget {
      let folder = URL(filePath: path).appending(path: target)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let most = FuzzTarget.named(target)?.maximumBytes ?? 0
      for (name, bytes) in inputs where bytes.count <= most {
        try Data(bytes).write(to: folder.appending(path: "seed-\(name)"))
      }
    }
  }
}
