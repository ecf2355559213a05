import VarveFormat

// Over plain entries the cursor steps without its source, which stays where the run began:
//
//   entries    a9 b7 c8 d5 d2 e6 f4 | next block
//   source     ^
//   run           >  >  >                           ends before d2, an older version of the same key
//
// What does not belong in a run is left to the source, and all that follows until the next run.

extension VisibleCursor {
  @inline(__always)
  mutating func runsOn() -> Bool {
    guard run.next() else { return false }
    entry = run.entry
    return true
  }

  @inline(__always)
  mutating func runsBack() -> Bool {
    guard run.previous() else { return false }
    entry = run.entry
    return true
  }

  /// Begins a run where the cursor came to stand, if that is in a block.
  mutating func beginRun(_ direction: BlockRun.Direction) {
    // Forward the source stands on the entry shown, backward on the one to be shown next.
    guard entry != nil, isHeld == (direction == .descending) else { return }
    let bound = direction == .ascending ? bounds.upper : bounds.lower
    source.begin(
      &run, RunTerms(direction: direction, limit: readPoint.sequence, bound: bound.bytes))
  }

  /// Ends the run: the source comes to stand where the cursor does.
  mutating func leaveRun() throws(StoreError) {
    let hasMoved = run.hasMoved
    let index = run.index
    run.end()
    guard hasMoved else { return }
    isHeld = false
    entry = nil
    try source.moveInBlock(to: index)
    entry = source.entry
  }
}
