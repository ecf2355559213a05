import Varve
import VarveFormat

/// What the name of an object of a bucket says of it. A store's file `bucket` counts as one.
struct ObjectPlace {
  /// Nil where only the number is known: an object that was copied without its folder.
  var kind: ObjectFrame.Kind?
  /// Of a manifest or a log.
  var number: UInt64?

  private static let digits = 20

  /// Nil where no object has such a name.
  init?(parsing name: String) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let last = parts.last, !last.isEmpty, parts.count <= 2 else { return nil }
    number = last.utf8.count == Self.digits ? UInt64(last) : nil
    switch parts.count > 1 ? "\(parts[0])/" : "" {
    case BucketLayout.pins: (kind, number) = (.pin, nil)
    case BucketLayout.manifests where number != nil: kind = .manifest
    case BucketLayout.logs where number != nil: kind = .log
    case "" where name == FileName.bucket: kind = .tie
    case "" where name == BucketLayout.store.description: kind = .store
    case "" where number != nil: kind = nil
    default: return nil
    }
  }
}
