extension Workload {
  /// What is measured, at full scale.
  var summary: String {
    "\(data.summary): " + ([deed] + circumstances).joined(separator: ", ")
  }

  private var deed: String {
    switch action {
    case .put(batch: 1): "puts one by one, \(orderAndStart)"
    case .put(let batch): "puts by batches of \(batch), \(orderAndStart)"
    case .delete: "deletes one by one, \(orderAndStart)"
    case .get(let pick): "gets of \(pick.summary)"
    case .getMany(let count): "gets of random keys, \(count) by each call"
    case .scan(let backward): "all entries in \(backward ? "descending" : "ascending") order"
    case .seek(let entries): "finds a random key and reads \(entries) entries from there"
    case .prefix: "reads the entries of a random prefix"
    case .mix(let mix): mix.summary
    case .bulkImport: "ascending entries by the engine's way for many, into an empty store"
    case .open: "opens a closed store"
    case .replay: "opens a store whose writer was killed"
    case .rest: "a store that was filled, flushed, compacted and closed"
    }
  }

  private var orderAndStart: String {
    (order == .ascending ? "ascending keys, " : "random keys, ")
      + (start == .empty ? "into an empty store" : "over a full store")
  }

  private var circumstances: [String] {
    [
      threads > 1 ? "\(threads) threads" : "",
      isDurable ? "each synced" : "",
      seconds.map { "for \(Int($0)) s" } ?? "",
      isDrained ? "until the background has nothing left to do" : "",
      fileCount.map { "about \($0) files" } ?? "",
      without.isEmpty ? "" : "without \(without.joined(separator: ", "))",
    ].filter { !$0.isEmpty }
  }
}

extension Pick {
  var summary: String {
    switch self {
    case .uniform: "random keys"
    case .zipfian: "zipfian keys"
    case .latest: "zipfian keys, the newest most often"
    case .absent: "keys that are not there"
    }
  }
}

extension Mix {
  var summary: String {
    let shares = [
      (gets, "gets"), (updates, "updates"), (inserts, "inserts"),
      (scans, "scans of 1 to 100 entries"), (rewrites, "gets that are put again"),
    ].filter { $0.0 > 0 }.map { "\(Int(($0.0 * 100).rounded())) % \($0.1)" }
    return shares.joined(separator: ", ") + ", " + pick.summary
  }
}

extension DataKind {
  var summary: String {
    switch self {
    case .small: "1 M x 100 bytes"
    case .large: "200 k x 3 KiB"
    case .many: "20 M x 100 bytes"
    case .beyond: "8 M x 100 bytes"
    case .files: "600 k x 100 bytes"
    case .packages: "package records"
    case .embeddings: "embeddings"
    }
  }
}
