import Varve

/// `varve remote verify`: copies in the bucket and on this machine, beside what they were when they were put.
enum RemoteVerifyCommand {
  private static let quick = Option.flag("--quick", "sizes only: no copy is read")
  private static let repair = Option.flag(
    "--repair", "put a good copy in the place of a damaged one")
  private static let rate = Option.bytes(
    "--rate", "SIZE", in: 1...(1 << 40), default: "as fast as it goes",
    "bytes a second that are read, about")

  static let specification = CommandSpecification(
    name: "remote verify", summary: "compare a store and its bucket, and repair either",
    notes: [
      "Every file of the newest version there is read, in the bucket and here, and its SHA-256"
        + " compared with the one it was put with. Each damaged copy is one line.",
      "The exit status is 0 where all copies are good, or were repaired, and 1 else. 'varve verify"
        + " --remote' looks inside of the files; this at the copies.",
    ],
    operands: [.store],
    options: [
      quick.specification, repair.specification, rate.specification, Option.json.specification,
    ],
    examples: [
      .init("varve remote verify catalog.varve", "Reads everything."),
      .init("varve remote verify catalog.varve --repair --rate 20M", "Gently, and puts it right."),
    ],
    run: run)

  private static func run(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    var found: BucketScrub?
    try RemoteCommands.withStore(arguments) { store in
      let status = try store.bucketStatus()
      // Those that are here are read on both sides.
      let total = arguments[quick] ? nil : status.stored.bytes + status.local.bytes
      var reporter = ProgressReporter(
        invocation.messages, totalBytes: total, isQuiet: arguments[.json])
      defer { reporter.clear() }
      found = try store.scrubBucket(
        isDeep: !arguments[quick], repairs: arguments[repair], bytesPerSecond: arguments[rate]
      ) { reporter.update(files: UInt64($0.files), bytes: $0.bytes) }
    }
    guard let scrub = found else { return .good }
    try show(scrub, invocation)
    return scrub.isSound ? .good : .negative
  }

  private static func show(_ scrub: BucketScrub, _ invocation: Invocation) throws {
    guard !invocation.arguments[.json] else {
      for damage in scrub.damages { try invocation.output.write(json: { $0.damage(damage) }) }
      return try invocation.output.write(json: { $0.scrub(scrub) })
    }
    let style = invocation.output.style
    for damage in scrub.damages {
      let outcome = damage.isRepaired ? style.good("repaired") : style.bad("damage")
      let place = damage.place == .bucket ? "in the bucket" : "on this machine"
      try invocation.output.write(line: "\(outcome) \(damage.file), \(place): \(damage.message)")
    }
    let verdict = scrub.isSound ? style.good("sound") : style.bad("damaged")
    try invocation.output.write(
      line: "\(verdict): compared \(Quantity.count(UInt64(scrub.files), "file", "files")), read"
        + " \(Quantity.bytes(scrub.bytes))")
  }
}

extension JSONWriter {
  mutating func damage(_ damage: BucketScrub.Damage) {
    object { writer in
      writer.member("finding", "damage")
      writer.member("file", damage.file)
      writer.member("place", damage.place.rawValue)
      writer.member("message", damage.message)
      writer.member("repaired", damage.isRepaired)
    }
  }

  mutating func scrub(_ scrub: BucketScrub) {
    object { writer in
      writer.member("sound", scrub.isSound)
      writer.member("files", scrub.files)
      writer.member("bytes", scrub.bytes)
      writer.member("damaged", scrub.damages.count)
      writer.member("repaired", scrub.damages.count(where: \.isRepaired))
    }
  }
}
