import Varve

/// `varve compact`: garbage collection, now.
enum CompactCommand {
  static let specification = CommandSpecification(
    name: "compact", summary: "collect all garbage and make segments as few as can be",
    notes: [
      "Overwritten, deleted and expired entries go, and the values of large ones with them. Needs"
        + " free space for a second copy of what it rewrites, and says beforehand how much."
    ],
    operands: [.store],
    options: [
      Option.memory.specification, Option.withoutBucket.specification, Option.json.specification,
    ],
    examples: [.init("varve compact catalog.varve", "Gives space back.")],
    run: {
      try Upkeep.run($0, "compacted") { store, messages in
        try store.flush()
        messages.say("needs up to \(Quantity.bytes(store.spaceNeededToCompact())) of free space")
        try store.compact()
      }
    })
}
