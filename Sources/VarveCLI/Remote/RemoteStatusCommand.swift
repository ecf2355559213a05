import Varve

/// `varve remote status`: what is where and why, what waits, and what it costs.
enum RemoteStatusCommand {
  static let specification = CommandSpecification(
    name: "remote status", summary: "what is where and why, what waits, what it costs",
    notes: [
      "Takes no lock and changes nothing, here or there: the store may be open. What is here is told also"
        + " where the bucket does not answer; the exit status is 1 then, and where a file is missing there.",
      "Cold files lie only in the bucket, and are read from there. What waits goes there with the"
        + " next upload; recent writes, in memory, logs and value files that still grow, are not"
        + " counted.",
      "In the bucket lie the files of the newest version; what checkpoints keep; garbage, which 'varve"
        + " remote gc' removes when it was that for its grace; files that no version names, of an upload that"
        + " is under way or was broken off, which gc removes, its own after a day; logs; and descriptions of the last"
        + " hundred versions.",
      "Requests are estimated by what was put there since the oldest version that is still described. Prices"
        + " are those of a large provider: $23 a terabyte and month, $5 a million writes and lists, $0.40 a"
        + " million reads.",
    ],
    operands: [.store], options: [Option.json.specification],
    examples: [.init("varve remote status catalog.varve", "A page of figures.")],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let path = invocation.arguments[.store]
    guard let status = try SegmentStore.bucketStatus(ofStoreAt: path) else {
      throw CommandFailure.noBucket
    }
    let (usage, problem) = look(status.location, path)
    if invocation.arguments[.json] {
      try invocation.output.write(json: { writer in
        writer.object { writer in
          writer.bucketStatus(status)
          writer.bucketUsage(usage, problem)
        }
      })
    } else {
      for line in BucketReport(status, usage, problem).lines {
        try invocation.output.write(line: line)
      }
    }
    return usage.map { $0.missing.files > 0 } ?? true ? .negative : .good
  }

  /// What the bucket says, or why it says nothing.
  private static func look(_ location: String, _ path: String) -> (BucketUsage?, problem: String?) {
    do {
      return (
        try SegmentStore.bucketUsage(
          in: BucketLocation(location).objectStore(), ofStoreAt: path), nil
      )
    } catch let error as StoreError {
      return (nil, error.description)
    } catch let error as CommandFailure {
      return (nil, error.message)
    } catch {
      return (nil, "\(error)")
    }
  }
}

extension JSONWriter {
  /// Members of an object.
  mutating func bucketStatus(_ status: BucketStatus) {
    member("bucket", status.location)
    if let version = status.version { member("version", version) }
    if let epoch = status.epoch { member("epoch", epoch) }
    member("fenced", status.isFenced)
    for (name, amount) in [
      ("local", status.local), ("cold", status.cold), ("stored", status.stored),
      ("waiting", status.waiting),
    ] {
      self.amount(name, amount)
    }
  }

  fileprivate mutating func bucketUsage(_ usage: BucketUsage?, _ problem: String?) {
    member("answers", usage != nil)
    if let problem { member("problem", problem) }
    guard let usage else { return }
    member("newest_version", usage.version)
    member("taken_over", usage.isTakenOver)
    amount("missing", usage.missing)
    for (name, amount) in [
      ("live", usage.live), ("checkpoint", usage.checkpointed), ("garbage", usage.garbage),
      ("unnamed", usage.unnamed), ("log", usage.logs), ("version", usage.versions),
      ("other", usage.others), ("total", usage.total),
    ] {
      self.amount(name, amount)
    }
    member("storage_dollars_a_month", BucketPrices.storage(usage.total.bytes))
    name("checkpoints")
    array { writer in
      for checkpoint in usage.checkpoints {
        writer.object { writer in
          writer.member("name", checkpoint.name)
          writer.member("version", checkpoint.version)
          writer.amount("kept", checkpoint.kept)
        }
      }
    }
    guard let month = usage.rate.map(BucketPrices.Month.init) else { return }
    member("writes_a_month", month.writes)
    member("lists_a_month", month.lists)
    member("request_dollars_a_month", month.dollars)
  }

  private mutating func amount(_ name: String, _ amount: BucketStatus.Amount) {
    member("\(name)_files", amount.files)
    member("\(name)_bytes", amount.bytes)
  }

  private mutating func member(_ name: String, _ dollars: Double) {
    self.name(name)
    number(dollars, places: 6)
  }
}
