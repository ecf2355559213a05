import Varve
import VarveFormat

/// `varve flush`: recent writes into segments.
enum FlushCommand {
  static let specification = CommandSpecification(
    name: "flush", summary: "move recent writes from the logs into segments",
    operands: [.store],
    options: [
      Option.memory.specification, Option.withoutBucket.specification, Option.json.specification,
    ],
    examples: [.init("varve flush catalog.varve", "Leaves the logs empty.")],
    run: { try Upkeep.run($0, "flushed") { store, _ in try store.flush() } })
}
