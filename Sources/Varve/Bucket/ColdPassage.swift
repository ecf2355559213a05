import VarveFormat
import VarvePlatform

/// A cold file for one who passes through it, a compaction or a check: what is fetched for that one is in
/// nobody's way.
///
/// ```
///   read ──> ends: fetched once     between: slots of a cache of their own (ColdFiles.passing)
///
///   reads       |-|-|-|-|-|...                 read further than was fetched: as much again as before
///   requests    |-|--|----|--------|...        read elsewhere: what is asked for
/// ```
///
/// So no more is fetched in vain than was of use, and a file is read in pieces of 4 MiB.
final class ColdPassage: ReadOnlyFile {
  private struct State: Sendable {
    var ends: ColdEnds?
    /// Where the last read ended.
    var end: UInt64 = 0
    /// Up to where was fetched, and how much at once.
    var fetchedEnd: UInt64 = 0
    var ahead: UInt64 = 0
  }

  private static let mostAhead: UInt64 = 4 << 20

  private let place: ColdPlace
  private let files: ColdFiles
  private let state = Monitor(State())

  init(_ place: ColdPlace, _ files: ColdFiles) {
    self.place = place
    self.files = files
  }

  var name: String { place.file.name.description }

  func size() throws(FileSystemError) -> UInt64 { place.size }

  func dropCache() throws(FileSystemError) {
    files.discard(place)
    state.withLock { $0 = State() }
  }

  func close() throws(FileSystemError) {}

  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    let range = place.part(count, at: offset)
    guard !range.isEmpty else { return 0 }
    if place.isEnd(range) {
      try ends().copy(range, of: place, into: buffer)
    } else {
      _ = try ColdSlots(files, place, in: files.passing, kept: nil).read(
        range, expecting: expected(behind: range), into: buffer)
    }
    return range.count
  }

  private func ends() throws(FileSystemError) -> ColdEnds {
    if let ends = state.withLock({ $0.ends }) { return ends }
    let ends = try ColdEnds.fetch(place, files)
    state.withLock { $0.ends = ends }
    return ends
  }

  /// What to fetch with `range`, where that is to be fetched.
  private func expected(behind range: Range<UInt64>) -> Range<UInt64> {
    // Several may pass at once, each with pieces that the others must not drive out.
    let most = min(Self.mostAhead, UInt64(files.passing.budget / 8))
    return state.withLock { state in
      let goesOn =
        range.lowerBound >= state.end && range.lowerBound - state.end <= ColdSlots.slotBytes
      state.end = range.upperBound
      if !goesOn {
        (state.ahead, state.fetchedEnd) = (0, range.upperBound)
      } else if range.upperBound > state.fetchedEnd {
        state.ahead = min(most, max(ColdSlots.slotBytes, 2 * state.ahead))
        state.fetchedEnd = range.upperBound + state.ahead
      }
      return range.upperBound..<max(range.upperBound, state.fetchedEnd)
    }
  }
}
