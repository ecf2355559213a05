import Foundation

extension Dataset {
  /// Real vectors: rows of little-endian numbers in `path`, and beside it, ending in `.keys` in the
  /// place of the extension, the key of each row, one a line.
  convenience init(embeddingsAt path: String) throws {
    let rows = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let keyPath = URL(fileURLWithPath: path).deletingPathExtension().appendingPathExtension("keys")
    let lines = [UInt8](try Data(contentsOf: keyPath)).split(separator: UInt8(ascii: "\n"))
    guard !lines.isEmpty, rows.count % lines.count == 0 else {
      throw PeerFailure(description: "\(path): its rows do not match the lines of \(keyPath.path)")
    }
    let size = rows.count / lines.count
    let order = lines.indices.sorted { lines[$0].lexicographicallyPrecedes(lines[$1]) }
    self.init(
      keys: Self.table(order.map { lines[$0] }),
      values: Self.table(order.map { rows[$0 * size..<($0 + 1) * size] }),
      // No package's name ends so.
      absentKeys: Self.table(order.map { lines[$0] + [UInt8(ascii: "~")] }))
  }

  private static func table(_ strings: [ArraySlice<UInt8>]) -> ByteTable {
    var (bytes, ends): ([UInt8], [Int]) = ([], [])
    for string in strings {
      bytes += string
      ends.append(bytes.count)
    }
    return ByteTable(bytes, ends: ends)
  }
}
