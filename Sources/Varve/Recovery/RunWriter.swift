import VarveFormat

/// Writes a run as a segment of level 0; a large one as two of them, side by side.
///
/// ```
///   run, sorted   [ a a b c c d | e f f g h ]      all versions of a key on one side
///                   this thread   another
///                   segment       segment
/// ```
struct RunWriter {
  /// A run of fewer bytes is not worth a thread.
  private static let sharedBytes = 8 << 20

  let engine: Engine
  let rules: SegmentOutput.ValueRules

  /// Writes all that `run` holds, durably; nothing is left of it where it throws.
  func write(_ run: ReplayedRun) throws(StoreError) -> SegmentOutput.Result {
    let places = RunOrder.sorted(run.places)
    let middle = run.dataBytes < Self.sharedBytes ? places.count : Self.middle(of: places)
    guard engine.background == .threads, middle < places.count,
      let halves = try engine.write(
        { () throws(StoreError) in try write(places[..<middle]) },
        and: { () throws(StoreError) in try self.write(places[middle...]) },
        by: "varve-recover")
    else { return try write(places[...]) }
    return halves
  }

  /// Where the second half begins, with the first version of its first key.
  private static func middle(of places: [EntryPlace]) -> Int {
    var middle = places.count / 2
    while middle > 0, middle < places.count, places[middle].key == places[middle - 1].key {
      middle += 1
    }
    return middle
  }

  private func write(
    _ places: ArraySlice<EntryPlace>
  ) throws(StoreError) -> SegmentOutput.Result {
    var output = SegmentOutput(
      engine, level: 0, rules, syncsBehind: engine.background == .threads)
    do throws(StoreError) {
      var survivors = SurvivingEntries(
        try RunWalk(places), engine.dropRules(rules.keyspaces), mayHaveOlder: { _ in true })
      while let entry = try survivors.next() { try output.add(entry) }
      return try output.finish()
    } catch {
      output.abandon()
      throw error
    }
  }
}
