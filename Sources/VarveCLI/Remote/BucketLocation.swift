import Varve
import VarveS3

/// Where a bucket is, as people write it: a directory, or `s3://bucket/prefix`, with `?endpoint=` and
/// `?region=` behind it where the environment does not name them.
struct BucketLocation {
  /// What an object store is made from. A directory is named from the root, so that it means the same
  /// from everywhere.
  let text: String

  init(_ text: String, endpoint: String? = nil, region: String? = nil) {
    let more = [("endpoint", endpoint), ("region", region)]
      .compactMap { name, value in value.map { "\(name)=\($0)" } }
    // The place may say some of it itself.
    let query = more.joined(separator: "&")
    let text = more.isEmpty ? text : text + (text.contains("?") ? "&" : "?") + query
    let isPlace = text.contains("://") || text.hasPrefix("/") || text.isEmpty
    let start = isPlace ? nil : SystemCalls.workingDirectory
    self.text = start.map { "\($0)/\(text)" } ?? text
  }

  /// How long what failed is tried again: somebody waits, and can call the command once more.
  private static let retryMilliseconds: UInt64 = 30_000

  /// The object store that it names.
  ///
  /// - Parameter create: makes a directory that is missing: only where a bucket is begun. Below a mount that
  ///   is away there would be another one.
  ///
  /// Where a command is running that may say so, it says that it waits for the bucket.
  func objectStore(create: Bool = false) throws -> any ObjectStore {
    guard let note = WaitingNote.current else { return try open(create: create) }
    return WatchedObjectStore(try note.during { try open(create: create) }, note)
  }

  private func open(create: Bool) throws -> any ObjectStore {
    guard !text.isEmpty else {
      throw UsageError("BUCKET is empty: it is a directory, or s3://bucket/prefix")
    }
    do throws(ObjectStoreError) {
      guard text.contains("://") else {
        return try DirectoryObjectStore(path: text, create: create)
      }
      var options = try S3Options(text)
      options.patience.retryMilliseconds = Self.retryMilliseconds
      return try S3ObjectStore(options)
    } catch {
      let hint = error.code == .absent ? "; is it mounted?" : ""
      throw CommandFailure("the bucket cannot be opened: \(error.message)\(hint)")
    }
  }
}

extension Operand {
  static let bucket = Operand(
    name: "BUCKET", help: "where the bucket is: a directory, or s3://bucket/prefix")
}

extension Option where Value == String {
  static let endpoint = Option.text(
    "--endpoint", "URL", default: "the environment's, or AWS", "the server of an s3:// bucket")
  static let region = Option.text(
    "--region", "NAME", default: "the environment's, or the bucket's own", "the bucket's region")
}
