import Varve

/// `varve remote status`: what is where, what waits, and what it costs.
enum RemoteStatusCommand {
  /// Dollars for a terabyte and month, and for a thousand writes and reads: what a large provider asks in
  /// its oldest region. Others ask less.
  private static let storagePrice = 23.0
  private static let writePrice = 0.005
  private static let readPrice = 0.0004

  static let specification = CommandSpecification(
    name: "remote status", summary: "what is here, what is in the bucket, what waits",
    notes: [
      "Cold files lie only in the bucket, and are read from there. What waits goes there with the"
        + " next upload; recent writes, in memory and logs, are not counted.",
      "The price is that of storage at $23 a terabyte and month; writes are $5 and reads $0.40 a"
        + " million at that provider.",
    ],
    operands: [.store], options: [Option.json.specification],
    examples: [.init("varve remote status catalog.varve", "A page of figures.")],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    try RemoteCommands.withStore(invocation.arguments) { store in
      let status = try store.bucketStatus()
      if invocation.arguments[.json] {
        try invocation.output.write(json: { $0.bucketStatus(status) })
      } else {
        for line in lines(status) { try invocation.output.write(line: line) }
      }
    }
    return .good
  }

  private static func lines(_ status: BucketStatus) -> [String] {
    let version =
      status.version.map { "\($0), by writer \(status.epoch ?? 0)" } ?? "none was put there yet"
    let rows = [
      ("bucket", status.location), ("version there", version),
      ("on this machine", text(status.local)), ("cold", text(status.cold)),
      ("in the bucket", text(status.stored)), ("waits for upload", text(status.waiting)),
      ("garbage there", Quantity.count(UInt64(status.garbageFiles), "file", "files")),
      ("about", price(status)),
    ]
    return rows.map { name, value in
      name + String(repeating: " ", count: max(1, 18 - name.count)) + value
    }
  }

  private static func text(_ amount: BucketStatus.Amount) -> String {
    "\(Quantity.count(UInt64(amount.files), "file", "files")), \(Quantity.bytes(amount.bytes))"
  }

  private static func price(_ status: BucketStatus) -> String {
    let cents = UInt64(Double(status.stored.bytes) / 1e12 * storagePrice * 100)
    let text = cents % 100 < 10 ? "0\(cents % 100)" : "\(cents % 100)"
    return "$\(cents / 100).\(text) a month for storage"
  }
}

extension JSONWriter {
  mutating func bucketStatus(_ status: BucketStatus) {
    object { writer in
      writer.member("bucket", status.location)
      if let version = status.version { writer.member("version", version) }
      if let epoch = status.epoch { writer.member("epoch", epoch) }
      writer.member("fenced", status.isFenced)
      for (name, amount) in [
        ("local", status.local), ("cold", status.cold), ("stored", status.stored),
        ("waiting", status.waiting),
      ] {
        writer.member("\(name)_files", amount.files)
        writer.member("\(name)_bytes", amount.bytes)
      }
      writer.member("garbage_files", status.garbageFiles)
      writer.member("cold_reads", status.coldReads)
      writer.member("cold_read_bytes", status.coldReadBytes)
      writer.member("cold_memory_hits", status.coldMemoryHits)
      writer.member("cold_disk_hits", status.coldDiskHits)
      writer.member("disk_cache_bytes", status.diskCacheBytes)
    }
  }
}
