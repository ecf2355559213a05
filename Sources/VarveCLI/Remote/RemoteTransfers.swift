import Varve

/// `varve remote upload`, `evict` and `prefetch`: files between here and there.
enum RemoteTransfers {
  private static let keep = Option.bytes(
    "--keep", "SIZE", in: 0...(1 << 60), default: "nothing",
    "bytes of sealed files that stay on this machine")
  private static let older = Option.count(
    "--older", "SECONDS", in: 0...Int.max,
    "files that were written, or came back, longer ago go as well; alone: only those")
  private static let most = Option.bytes(
    "--most", "SIZE", in: 0...(1 << 60), default: "all", "bytes that come at most")

  static let upload = CommandSpecification(
    name: "remote upload", summary: "put everything that was written into the bucket",
    notes: [
      "Flushes, puts the files that are not there yet, and commits a version that names them. What"
        + " was put before an interruption is put again only in part: some 16 MiB and a file."
    ],
    operands: [.store], options: [Option.json.specification],
    examples: [.init("varve remote upload catalog.varve", "Now the machine may be lost.")],
    run: { invocation in
      try run(invocation, "put there") { store in
        // What was written just now is in no file yet.
        try store.flush()
        return try showing(try store.bucketStatus().waiting, invocation) {
          try store.upload(progress: $0).bytes
        }
      }
    })

  static let evict = CommandSpecification(
    name: "remote evict", summary: "let files go whose copies are in the bucket",
    notes: [
      "They are read from the bucket from then on, block by block. What a search needs to find a"
        + " block stays."
    ],
    operands: [.store],
    options: [keep.specification, older.specification, Option.json.specification],
    examples: [.init("varve remote evict catalog.varve --keep 10G", "Keeps the newest 10 GiB.")],
    run: { invocation in
      try run(invocation, "left") { store in
        try store.evict(
          keeping: invocation.arguments[keep].map(UInt64.init),
          olderThan: invocation.arguments[older])
      }
    })

  static let prefetch = CommandSpecification(
    name: "remote prefetch", summary: "bring files here that lie only in the bucket",
    operands: [.store], options: [most.specification, Option.json.specification],
    examples: [.init("varve remote prefetch catalog.varve", "Everything, checked.")],
    run: { invocation in
      let most = invocation.arguments[most].map { UInt64($0) } ?? .max
      return try run(invocation, "came") { store in
        try showing(try store.bucketStatus().cold, upTo: most, invocation) {
          try store.prefetch(most: most, progress: $0)
        }
      }
    })

  /// Shows how far `body` is with moving `amount`; it tells after each file how many bytes it moved.
  private static func showing(
    _ amount: BucketStatus.Amount, upTo most: UInt64 = .max, _ invocation: Invocation,
    _ body: ((UInt64) -> Void) throws -> UInt64
  ) throws -> UInt64 {
    var reporter = ProgressReporter(
      invocation.messages, totalBytes: min(amount.bytes, most),
      isQuiet: invocation.arguments[.json])
    defer { reporter.clear() }
    var files: UInt64 = 0
    return try body { bytes in
      files += 1
      reporter.update(files: files, bytes: bytes)
    }
  }

  private static func run(
    _ invocation: Invocation, _ verb: String, _ body: (SegmentStore) throws -> UInt64
  ) throws -> ExitStatus {
    try RemoteCommands.withStore(invocation.arguments) { store in
      let bytes = try body(store)
      let status = try store.bucketStatus()
      guard invocation.arguments[.json] else {
        return invocation.messages.say(
          "\(Quantity.bytes(bytes)) \(verb): \(Quantity.bytes(status.local.bytes)) here,"
            + " \(Quantity.bytes(status.cold.bytes)) only in the bucket")
      }
      try invocation.output.write(json: { writer in
        writer.object { writer in
          writer.member("bytes", bytes)
          writer.member("local_bytes", status.local.bytes)
          writer.member("cold_bytes", status.cold.bytes)
          writer.member("stored_bytes", status.stored.bytes)
        }
      })
    }
    return .good
  }
}
