import Varve

extension CrashWorkload.Act {
  /// What figures call it.
  package var name: String {
    switch self {
    case .makeKeyspace: "make a keyspace"
    case .dropKeyspace: "drop a keyspace"
    case .commit(_, let durability): Self.commit(durability)
    case .sync: "sync"
    case .flush: "flush"
    case .compact: "compact"
    case .snapshot: "snapshot"
    case .reopen: "reopen"
    case .rest: "rest"
    case .upload: "upload"
    case .evict: "evict"
    case .prefetch: "prefetch"
    case .collect: "collect"
    case .putLogs: "put logs"
    case .commitApart: "commit without the bucket"
    }
  }

  private static func commit(_ durability: Durability) -> String { "commit, \(durability)" }

  /// The names of all kinds of acts that change something on the disk; a collection changes only the bucket.
  package static let changing: [String] =
    [.buffered, .synced, .remote].map(commit)
    + [
      CrashWorkload.Act.makeKeyspace(""), .dropKeyspace(""), .sync, .flush, .compact, .reopen,
      .rest, .upload, .evict, .prefetch, .putLogs, .commitApart([]),
    ].map(\.name)
}
