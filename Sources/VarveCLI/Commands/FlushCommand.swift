import Varve
import VarveFormat

/// `varve flush`: recent writes into segments.
enum FlushCommand {
  static let specification = CommandSpecification(
    name: "flush", summary: "move recent writes from the logs into segments",
    operands: [.store], options: [Option.memory.specification, Option.json.specification],
    examples: [.init("varve flush catalog.varve", "Leaves the logs empty.")],
    run: { try Upkeep.run($0, "flushed") { store, _ in try store.flush() } })
}

/// `varve compact`: garbage collection, now.
enum CompactCommand {
  static let specification = CommandSpecification(
    name: "compact", summary: "collect all garbage and make segments as few as can be",
    notes: [
      "Overwritten, deleted and expired entries go, and the values of large ones with them. Needs"
        + " free space for a second copy of what it rewrites, and says beforehand how much."
    ],
    operands: [.store], options: [Option.memory.specification, Option.json.specification],
    examples: [.init("varve compact catalog.varve", "Gives space back.")],
    run: {
      try Upkeep.run($0, "compacted") { store, messages in
        try store.flush()
        messages.say("needs up to \(Quantity.bytes(store.spaceNeededToCompact())) of free space")
        try store.compact()
      }
    })
}

/// What flush and compact have in common: do it, and tell what it changed.
enum Upkeep {
  private struct Size {
    var segments: Int
    var valueFiles: Int
    var bytes: UInt64

    init(_ metrics: StoreMetrics) {
      segments = metrics.levels.reduce(0) { $0 + $1.segments }
      valueFiles = metrics.valueFiles
      bytes = metrics.levels.statedSum(\.bytes).addingStated(metrics.valueFileBytes)
    }

    var text: String {
      let files = [
        Quantity.count(UInt64(segments), "segment", "segments"),
        Quantity.count(UInt64(valueFiles), "value file", "value files"),
      ]
      return "\((valueFiles > 0 ? files : [files[0]]).joined(separator: " and ")), "
        + Quantity.bytes(bytes)
    }
  }

  static func run(
    _ invocation: Invocation, _ verb: String, _ body: (SegmentStore, Messages) throws -> Void
  ) throws -> ExitStatus {
    let arguments = invocation.arguments
    let (before, after) = try StoreSession.writing(
      arguments[.store], creates: false, memory: arguments[.memory]
    ) { store in
      let before = Size(store.metrics())
      try body(store, invocation.messages)
      return (before, Size(store.metrics()))
    }
    guard arguments[.json] else {
      invocation.messages.say("\(verb): \(before.text) -> \(after.text)")
      return .good
    }
    try invocation.output.write(json: { writer in
      writer.object { writer in
        writer.member("segments_before", before.segments)
        writer.member("value_files_before", before.valueFiles)
        writer.member("bytes_before", before.bytes)
        writer.member("segments", after.segments)
        writer.member("value_files", after.valueFiles)
        writer.member("bytes", after.bytes)
      }
    })
    return .good
  }
}
