/// A workload with its operations laid out, so that nothing is left to do under the clock but them.
struct Script {
  enum Steps {
    /// One by one; a list for each thread.
    case single([[Operation]])
    case batches([Operation], size: Int)
    /// Many gets by each call.
    case groups([[Operation]], size: Int)
    case scan(Scan, entries: Int, laps: Int)
    case bulkImport([Operation])
    case nothing
  }

  let steps: Steps
  /// Operations of one run: what is put, looked up, or stepped over.
  let operationCount: Int
  /// Bytes of the keys and values written.
  let userBytes: Int
  /// Items that a right engine hands to the tally; nil where that is not known before.
  let expectedItems: Int?
  /// What the operations' bytes lie in.
  private let arena: ByteArena

  init(_ workload: Workload, _ data: Dataset, count: Int) {
    var writer = ScriptWriter(workload, data)
    steps = writer.steps(count)
    arena = writer.arena
    (operationCount, userBytes) = Self.count(steps)
    expectedItems =
      switch workload.action {
      case .get(.absent): 0
      case .get, .getMany: operationCount
      case .scan: 2 * operationCount
      default: nil
      }
  }

  private static func count(_ steps: Steps) -> (operations: Int, bytes: Int) {
    func bytes(_ operations: [Operation]) -> Int {
      operations.reduce(0) { total, step in
        step.value.isEmpty ? total : total + step.key.count + step.value.count
      }
    }
    switch steps {
    case .single(let lanes), .groups(let lanes, _):
      return lanes.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + bytes($1)) }
    case .batches(let operations, _), .bulkImport(let operations):
      return (operations.count, bytes(operations))
    case .scan(_, let entries, let laps): return (entries * laps, 0)
    case .nothing: return (1, 0)
    }
  }
}
