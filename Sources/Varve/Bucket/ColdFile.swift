import VarveFormat
import VarvePlatform

/// A file that lies in the bucket, read like one on disk.
///
/// ```
///   header | blocks or values ................ | tail
///      \______________ ends _________________/
///   ends     from a copy on disk (ColdEnds), fetched where there is none
///   between  by slots (ColdSlots): those asked for, and those said to be read soon; what a
///            compaction or a check reads is kept apart (ColdPassage)
/// ```
///
/// Who reads checks what comes, as of every file: nothing here looks into it.
final class ColdFile: ReadOnlyFile {
  fileprivate struct State: Sendable {
    /// Header and tail, from their first use until the whole tail was read.
    var ends: ColdEnds?
    /// What was said to be read soon.
    var expected: Range<UInt64> = 0..<0
  }

  let place: ColdPlace
  private let files: ColdFiles
  private let directory: any Directory
  private let state = Monitor(State())

  init(_ place: ColdPlace, _ files: ColdFiles, in directory: any Directory) {
    self.place = place
    self.files = files
    self.directory = directory
  }

  var name: String { place.file.name.description }

  func size() throws(FileSystemError) -> UInt64 { place.size }

  /// Bytes that are worth a thread: what a walk expects that has gone on for a while.
  private static let longBytes = 256 << 10

  func expect(_ range: Range<UInt64>) {
    state.withLock { $0.expected = range }
    guard range.count > Self.longBytes, let ahead = files.ahead else { return }
    // Whoever walks is not there yet; what fails is asked for again by him.
    ahead.run { [files, place] in
      ColdSlots(files, place, in: files.slots, kept: files.kept).bring(range)
      return {}
    }
  }

  func close() throws(FileSystemError) {}

  func passing() -> any File { ColdPassage(place, files) }

  /// The same for one who checks what is in the bucket, and not what is kept of it here.
  func checking() -> any File {
    files.passing.forget(file: place.file.number)
    return passing()
  }

  /// Forgets all that came from the bucket, what is kept on disk too.
  func dropCache() throws(FileSystemError) {
    files.discard(place)
    state.withLock { $0.ends = nil }
    files.gate.pass { try? ColdEnds.empty(name, in: directory) }
  }
}

// MARK: - Reading

extension ColdFile {
  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    let range = place.part(count, at: offset)
    guard !range.isEmpty else { return 0 }
    if let ends = try ends(for: range) {
      ends.copy(range, of: place, into: buffer)
    } else {
      let expected = state.withLock { $0.expected }
      let isWhole = try ColdSlots(files, place, in: files.slots, kept: files.kept).read(
        range, expecting: expected, into: buffer)
      if !isWhole { forget(expected, before: range) }
    }
    return range.count
  }

  /// The slot with all of `range`, where that is in memory, and where it begins in the file.
  func slot(with range: Range<UInt64>) -> (block: CachedBlock, start: UInt64)? {
    ColdSlots(files, place, in: files.slots, kept: nil).one(with: range)
  }

  /// What was fetched together with `range` is not expected any more: what is read there later is another's.
  private func forget(_ expected: Range<UInt64>, before range: Range<UInt64>) {
    state.withLock { state in
      if state.expected == expected, expected.overlaps(range) { state.expected = 0..<0 }
    }
  }

  /// Header and tail where `range` lies in one of them.
  private func ends(for range: Range<UInt64>) throws(FileSystemError) -> ColdEnds? {
    guard place.isEnd(range) else { return nil }
    let ends: ColdEnds
    if let kept = state.withLock({ $0.ends }) {
      ends = kept
    } else {
      ends = try ColdEnds.load(place, files, in: directory)
    }
    // Whoever reads all of the tail keeps it; nobody comes again.
    let isLast = range == place.tailStart..<place.size
    state.withLock { $0.ends = isLast ? nil : ends }
    return ends
  }
}
