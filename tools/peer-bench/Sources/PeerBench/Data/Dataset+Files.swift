import Foundation

extension Dataset {
  /// Real embeddings: rows of little-endian numbers in `package-embeddings.f32`, and beside it the
  /// key of each row, one a line.
  static func embeddings(in directory: String) throws -> Dataset {
    let rows = try bytes(directory + "/package-embeddings.f32")
    let keys = try bytes(directory + "/package-embeddings.keys").split(
      separator: UInt8(ascii: "\n"))
    guard !keys.isEmpty, rows.count % keys.count == 0 else {
      throw PeerFailure(description: "\(directory): rows and keys of the embeddings do not match")
    }
    let size = rows.count / keys.count
    return sorted(keys.indices.map { (keys[$0], rows[$0 * size..<($0 + 1) * size]) })
  }

  /// Real package records: lines of `{"key": name, "value": {fields}}`, compressed; the fields are
  /// stored as the text they are.
  static func packages(in directory: String) throws -> Dataset {
    let text = [UInt8](try unpacked(directory + "/packages.jsonl.zst"))
    let prefix = Array("{\"key\": \"".utf8)
    let middle = Array("\", \"value\": ".utf8)
    let records = try text.split(separator: UInt8(ascii: "\n")).map { line in
      guard line.starts(with: prefix),
        let quote = line.dropFirst(prefix.count).firstIndex(of: UInt8(ascii: "\"")),
        line[quote...].starts(with: middle)
      else { throw PeerFailure(description: "\(directory): a package record is written otherwise") }
      return (
        line[(line.startIndex + prefix.count)..<quote],
        line[(quote + middle.count)..<(line.endIndex - 1)]
      )
    }
    return sorted(records)
  }

  private static func sorted(
    _ records: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]
  ) -> Dataset {
    let sorted = records.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    return Dataset(
      keys: ByteTable(sorted.lazy.map(\.key)), values: ByteTable(sorted.lazy.map(\.value)))
  }

  private static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private static func unpacked(_ path: String) throws -> Data {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["zstd", "-dc", path]
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw PeerFailure(description: "zstd cannot unpack \(path)")
    }
    return data
  }
}
