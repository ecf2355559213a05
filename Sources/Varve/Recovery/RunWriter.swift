import VarveFormat

/// Writes a run as a segment of level 0; a large one as two of them, sorted and written side by side.
///
/// ```
///   run    [ d f a g b c h e ]
///   halves [ d c a b | g f h e ]      all versions of a key on one side
///     this thread    |    another
///     sort, segment  |    sort, segment
/// ```
struct RunWriter {
  /// A run of fewer bytes is not worth a thread.
  private static let sharedBytes = 8 << 20

  let engine: Engine
  let rules: SegmentOutput.ValueRules

  /// Writes all that `run` holds, durably, and takes its entries out of it; nothing is left of what was
  /// written where it throws. What the run has of its own must be kept until then.
  func write(_ run: ReplayedRun) throws(StoreError) -> SegmentOutput.Result {
    guard run.dataBytes >= Self.sharedBytes, engine.background == .threads else {
      return try write(run.takeParts().flattened)
    }
    let halves = RunHalves(run.takeParts())
    let written = try engine.write(
      { () throws(StoreError) in try write(halves.places(.first)) },
      and: { () throws(StoreError) in try self.write(halves.places(.second)) },
      by: "varve-recover")
    if let written { return written }
    return try write(halves.parts.flattened)
  }

  private func write(_ places: [EntryPlace]) throws(StoreError) -> SegmentOutput.Result {
    var output = SegmentOutput(
      engine, level: 0, rules, syncsBehind: engine.background == .threads)
    do throws(StoreError) {
      var survivors = SurvivingEntries(
        try RunWalk(RunOrder(places)), engine.dropRules(rules.keyspaces),
        mayHaveOlder: { _ in true })
      while let entry = try survivors.next() { try output.add(entry) }
      return try output.finish()
    } catch {
      output.abandon()
      throw error
    }
  }
}

extension [[EntryPlace]] {
  /// All of them one after the other, without a copy where there is one with any.
  fileprivate var flattened: [EntryPlace] {
    let filled = filter { !$0.isEmpty }
    return filled.count == 1 ? filled[0] : Array<EntryPlace>(filled.joined())
  }
}
