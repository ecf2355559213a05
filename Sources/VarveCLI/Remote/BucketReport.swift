import Varve

/// What is where of a store and why, for people: a line each.
struct BucketReport {
  private static let partBytes: UInt64 = 8 << 20

  private let status: BucketStatus
  private let usage: BucketUsage?
  private let problem: String?

  init(_ status: BucketStatus, _ usage: BucketUsage?, _ problem: String?) {
    self.status = status
    self.usage = usage
    self.problem = problem
  }

  var lines: [String] {
    (here + there + costs).map { name, value in
      name + String(repeating: " ", count: max(1, 20 - name.count)) + value
    }
  }

  private var here: [(String, String)] {
    var version =
      status.version.map { "\($0), by writer \(status.epoch ?? 0)" } ?? "none was put there yet"
    if status.isFenced || usage?.isTakenOver ?? false {
      version += "; another machine has taken over"
    }
    return [
      ("bucket", status.location), ("version there", version),
      ("on this machine", text(status.local)), ("cold", text(status.cold)),
      ("waits for upload", text(status.waiting)),
    ]
  }

  private var there: [(String, String)] {
    guard let usage else {
      return [("in the bucket", "not known: \(problem ?? "it does not answer")")]
    }
    var rows = [
      ("in the bucket", "\(text(usage.total)), because of:"),
      ("  newest version", text(usage.live)),
      ("  checkpoints", checkpoints(usage)),
      ("  garbage", text(usage.garbage) + reason(usage.garbage, "until the grace of gc is over")),
      (
        "  unnamed",
        text(usage.unnamed)
          + reason(usage.unnamed, "uploads not finished: gc removes what earlier writers left")
      ),
      ("  logs", text(usage.logs)),
      ("  versions", "\(text(usage.versions)), which describe them"),
      ("  others", "\(text(usage.others)): store, pins, and what is none of ours"),
    ]
    if usage.missing.files > 0 {
      let what =
        "\(text(usage.missing)) of the newest version: 'varve remote upload' puts what is here"
      rows.insert(("missing", what), at: 0)
    }
    if usage.version != status.version {
      rows.insert(("newest there", "\(usage.version)"), at: 0)
    }
    return rows
  }

  private func checkpoints(_ usage: BucketUsage) -> String {
    let names = usage.checkpoints.map { "\($0.name) (\(Quantity.bytes($0.kept.bytes)))" }
    return text(usage.checkpointed)
      + (names.isEmpty ? "" : " kept by \(names.joined(separator: ", "))")
  }

  private func reason(_ amount: BucketStatus.Amount, _ why: String) -> String {
    amount.files == 0 ? "" : ", \(why)"
  }

  private var costs: [(String, String)] {
    var rows: [(String, String)] = []
    if let usage {
      let storage = BucketPrices.storage(usage.total.bytes)
      rows.append(("storage", "\(BucketPrices.text(storage)) a month"))
      rows.append(("requests", requests(usage.rate)))
    }
    return rows + [("to upload", upload), ("to read all cold", reading)]
  }

  private func requests(_ rate: BucketUsage.Rate?) -> String {
    guard let rate else { return "not known before it was written to for an hour" }
    let month = BucketPrices.Month(rate)
    return "\(Quantity.count(month.writes, "write", "writes")) and"
      + " \(Quantity.count(month.lists, "list", "lists")) a month, as in the last"
      + " \(Quantity.duration(Double(rate.seconds))): \(BucketPrices.text(month.dollars));"
      + " a read for each cold block"
  }

  /// One write for each file, or for each of its parts, and for the version a write and a list.
  private var upload: String {
    guard status.waiting.files > 0 else { return "nothing" }
    let writes = UInt64(status.waiting.files) + status.waiting.bytes / Self.partBytes + 2
    return
      "\(Quantity.count(writes, "write", "writes")), \(BucketPrices.text(BucketPrices.writes(writes)))"
  }

  /// In pieces of 8 MiB, as prefetching does.
  private var reading: String {
    guard status.cold.files > 0 else { return "nothing" }
    let reads = UInt64(status.cold.files) + status.cold.bytes / Self.partBytes
    return
      "\(Quantity.count(reads, "read", "reads")), \(BucketPrices.text(BucketPrices.reads(reads)))"
  }

  private func text(_ amount: BucketStatus.Amount) -> String {
    "\(Quantity.count(UInt64(amount.files), "file", "files")), \(Quantity.bytes(amount.bytes))"
  }
}
