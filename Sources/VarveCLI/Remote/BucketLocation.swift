import Varve

/// Where a bucket is, as people write it: a directory, or `s3://bucket/prefix`.
struct BucketLocation {
  /// What an object store is made from. A directory is named from the root, so that it means the same
  /// from everywhere.
  let text: String

  init(_ text: String) {
    let isPlace = text.contains("://") || text.hasPrefix("/")
    let start = isPlace ? nil : SystemCalls.workingDirectory
    self.text = start.map { "\($0)/\(text)" } ?? text
  }

  /// The object store that it names.
  func objectStore() throws -> any ObjectStore {
    guard !text.contains("://") else {
      throw CommandFailure("'\(text)' is no place that this program knows: name a directory")
    }
    do {
      return try DirectoryObjectStore(path: text)
    } catch {
      throw CommandFailure("the bucket cannot be opened: \(error)")
    }
  }
}

extension Operand {
  static let bucket = Operand(
    name: "BUCKET", help: "where the bucket is: a directory, or a mount that machines share")
}
