import Varve

/// `varve remote gc`, `checkpoint` and `detach`: what goes from a bucket, and what stays.
enum RemoteUpkeep {
  private static let dryRun = Option.flag("--dry-run", "only tell what would be removed")
  private static let grace = Option.count(
    "--grace", "SECONDS", in: 0...Int.max, default: "3600",
    "how long files stay that no version needs; longer than readers elsewhere take to look again")
  private static let delete = Option.flag("--delete", "let the checkpoint go")
  private static let name = Operand(
    name: "NAME", help: "the checkpoint: a-z, 0-9, '.', '_' and '-'")

  static let collect = CommandSpecification(
    name: "remote gc", summary: "remove from the bucket what nothing there needs",
    notes: [
      "By the bucket's own clock. What a checkpoint keeps stays, and so does what another writer put"
        + " there: only the newest one collects. A bucket that is full can be collected, too."
    ],
    operands: [.store],
    options: [dryRun.specification, grace.specification, Option.json.specification],
    examples: [.init("varve remote gc catalog.varve --dry-run", "What would go.")],
    run: collect)

  static let checkpoint = CommandSpecification(
    name: "remote checkpoint", summary: "keep the bucket's newest version",
    notes: [
      "Its files are not collected until the checkpoint is deleted. What was not uploaded yet is not in it."
        + " 'varve remote versions' lists checkpoints, 'varve remote restore --checkpoint' goes back to one."
    ],
    operands: [.store, name], options: [delete.specification, Option.json.specification],
    examples: [
      .init("varve remote checkpoint catalog.varve before-import", "A way back."),
      .init("varve remote checkpoint catalog.varve before-import --delete", "Not needed any more."),
    ],
    run: checkpoint)

  static let detach = CommandSpecification(
    name: "remote detach", summary: "take its bucket from a store that is whole here",
    notes: [
      "The store goes on by itself, and may be given another bucket. What lies in the bucket stays there:"
        + " 'varve remote restore' makes another store of it."
    ],
    operands: [.store], options: [Option.json.specification],
    examples: [.init("varve remote detach catalog.varve", "After 'varve remote prefetch'.")],
    run: { invocation in
      try SegmentStore.detachBucket(ofStoreAt: invocation.arguments[.store])
      return try answer(invocation, "the store has no bucket any more") {
        $0.member("detached", true)
      }
    })

  private static func collect(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    try RemoteCommands.withStore(arguments, goesOnAlone: true) { store in
      let done = try store.collectBucket(
        grace: UInt64(arguments[grace] ?? 3_600), isDry: arguments[dryRun])
      guard arguments[.json] else {
        let verb = arguments[dryRun] ? "would be removed" : "removed"
        return invocation.messages.say(
          "\(verb): \(Quantity.count(UInt64(done.files), "file", "files")) of old versions,"
            + " \(Quantity.count(UInt64(done.orphans), "orphan", "orphans")),"
            + " \(Quantity.count(UInt64(done.manifests), "old version", "old versions")),"
            + " \(Quantity.count(UInt64(done.logs), "log", "logs"))"
            + (arguments[dryRun]
              ? ""
              : ", \(Quantity.count(UInt64(done.unfinished), "unfinished upload", "unfinished uploads"))")
        )
      }
      try invocation.output.write(json: { writer in
        writer.object { writer in
          writer.member("dry_run", arguments[dryRun])
          writer.member("files", done.files)
          writer.member("orphans", done.orphans)
          writer.member("manifests", done.manifests)
          writer.member("logs", done.logs)
          writer.member("unfinished", done.unfinished)
        }
      })
    }
    return .good
  }

  private static func checkpoint(_ invocation: Invocation) throws -> ExitStatus {
    let arguments = invocation.arguments
    // What makes room in a full bucket must go without a claim.
    try RemoteCommands.withStore(arguments, goesOnAlone: arguments[delete]) { store in
      let text = arguments[name]
      if arguments[delete] {
        try store.removeCheckpoint(text)
        _ = try answer(invocation, "deleted: \(text)") { $0.member("deleted", text) }
      } else {
        let version = try store.makeCheckpoint(text)
        _ = try answer(invocation, "kept: version \(version) of the bucket, as \(text)") { writer in
          writer.member("checkpoint", text)
          writer.member("version", version)
        }
      }
    }
    return .good
  }

  private static func answer(
    _ invocation: Invocation, _ text: String, _ members: (inout JSONWriter) -> Void
  ) throws -> ExitStatus {
    if invocation.arguments[.json] {
      try invocation.output.write(json: { writer in writer.object { members(&$0) } })
    } else {
      invocation.messages.say(text)
    }
    return .good
  }
}
