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
      "Garbage in the bucket is what later versions left behind: 'varve remote gc' removes it when its"
        + " grace is over, and what a checkpoint keeps stays.",
      "Prices are those of a large provider: $23 a terabyte and month, $5 a million writes and lists,"
        + " $0.40 a million reads.",
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
      ("storage", "\(dollars(Double(status.stored.bytes) / 1e12 * storagePrice)) a month"),
      ("to upload", upload(status)), ("to read all cold", reading(status)),
    ]
    return rows.map { name, value in
      name + String(repeating: " ", count: max(1, 18 - name.count)) + value
    }
  }

  private static func text(_ amount: BucketStatus.Amount) -> String {
    "\(Quantity.count(UInt64(amount.files), "file", "files")), \(Quantity.bytes(amount.bytes))"
  }

  /// One write for each file, or for each of its parts, and for the version a write and a list.
  private static func upload(_ status: BucketStatus) -> String {
    guard status.waiting.files > 0 else { return "nothing" }
    let writes = UInt64(status.waiting.files) + status.waiting.bytes / partBytes + 2
    return
      "\(Quantity.count(writes, "write", "writes")), \(dollars(Double(writes) / 1e3 * writePrice))"
  }

  /// In pieces of 8 MiB, as prefetching does.
  private static func reading(_ status: BucketStatus) -> String {
    guard status.cold.files > 0 else { return "nothing" }
    let reads = UInt64(status.cold.files) + status.cold.bytes / partBytes
    return "\(Quantity.count(reads, "read", "reads")), \(dollars(Double(reads) / 1e3 * readPrice))"
  }

  private static let partBytes: UInt64 = 8 << 20

  /// With as many digits as a small sum needs.
  private static func dollars(_ sum: Double) -> String {
    let digits = sum == 0 || sum >= 1 ? 2 : sum >= 0.01 ? 3 : 6
    var rest = UInt64(sum * [2: 1e2, 3: 1e3, 6: 1e6][digits, default: 1e2])
    var text = ""
    for place in 0...digits {
      text = (place == digits ? "\(rest)" + (digits > 0 ? "." : "") : "\(rest % 10)") + text
      rest /= 10
    }
    return "$" + text
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
