import VarveFormat
import VarvePlatform

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
      let rest = PartWriter.begin(places[middle...], self)
    else { return try write(places[...]) }
    let first = Result { () throws(StoreError) in try write(places[..<middle]) }
    let second = rest.finish()
    do throws(StoreError) {
      return (try first.get()).joined(by: try second.get())
    } catch {
      for case .success(let part) in [first, second] {
        engine.remove(part, keeping: [], after: error)
      }
      throw error
    }
  }

  /// Where the second half begins, with the first version of its first key.
  private static func middle(of places: [EntryPlace]) -> Int {
    var middle = places.count / 2
    while middle > 0, middle < places.count, places[middle].key == places[middle - 1].key {
      middle += 1
    }
    return middle
  }

  fileprivate func write(
    _ places: ArraySlice<EntryPlace>
  ) throws(StoreError) -> SegmentOutput.Result {
    var output = SegmentOutput(engine, level: 0, rules)
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

/// A part of a run that another thread writes.
private final class PartWriter: @unchecked Sendable {
  // @unchecked: the thread works alone on it until it has been joined.
  private let places: ArraySlice<EntryPlace>
  private let writer: RunWriter
  private var result: Result<SegmentOutput.Result, StoreError>?
  private var thread: WorkerThread?

  private init(_ places: ArraySlice<EntryPlace>, _ writer: RunWriter) {
    self.places = places
    self.writer = writer
  }

  /// Nil where the system starts no further thread.
  static func begin(_ places: ArraySlice<EntryPlace>, _ writer: RunWriter) -> PartWriter? {
    let part = PartWriter(places, writer)
    part.thread = try? WorkerThread(name: "varve-recover") { [unowned part] in
      part.result = Result { () throws(StoreError) in
        try part.writer.write(part.places)
      }
    }
    return part.thread == nil ? nil : part
  }

  func finish() -> Result<SegmentOutput.Result, StoreError> {
    thread?.join()
    guard let result else { preconditionFailure("the thread ended without a result") }
    return result
  }
}

extension SegmentOutput.Result {
  /// Both together.
  func joined(by other: Self) -> Self {
    var sum = self
    sum.segments += other.segments
    sum.valueFiles += other.valueFiles
    sum.bytes += other.bytes
    sum.lastSequence = max(lastSequence, other.lastSequence)
    return sum
  }
}
