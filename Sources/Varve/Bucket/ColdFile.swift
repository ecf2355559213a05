import VarveFormat
import VarvePlatform

/// A file that lies in the bucket, read like one on disk.
///
/// ```
///   header | blocks or values ................ | tail
///      \______________ ends _________________/
///   ends     from a copy on disk (ColdEnds), fetched where there is none
///   between  by slots (ColdSlots): those asked for, and those said to be read soon
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

  func expect(_ range: Range<UInt64>) { state.withLock { $0.expected = range } }

  func close() throws(FileSystemError) {}

  /// Forgets all that came from the bucket, what is kept on disk too.
  func dropCache() throws(FileSystemError) {
    files.slots.forget(file: place.file.number)
    state.withLock { $0.ends = nil }
    if files.keepsEnds { try? directory.remove(ColdEnds.name(of: name)) }
  }
}

// MARK: - Reading

extension ColdFile {
  func read(
    into buffer: AlignedBuffer, count: Int, at offset: UInt64
  ) throws(FileSystemError) -> Int {
    let start = min(offset, place.size)
    let range = start..<start + min(UInt64(count), place.size - start)
    let bytes = try bytes(range)
    bytes.withByteView { buffer.copy($0) }
    return bytes.count
  }

  private func bytes(_ range: Range<UInt64>) throws(FileSystemError) -> [UInt8] {
    if range.isEmpty { return [] }
    if let bytes = try fromEnds(range) { return bytes }
    let expected = state.withLock { state in
      // Once: what is read there later is another's.
      defer { if state.expected.contains(range.lowerBound) { state.expected = 0..<0 } }
      return state.expected
    }
    return try ColdSlots(files, place).read(range, expecting: expected)
  }

  private func fromEnds(_ range: Range<UInt64>) throws(FileSystemError) -> [UInt8]? {
    let headEnd = UInt64(FileHeader.byteCount)
    guard range.upperBound <= headEnd || range.lowerBound >= place.tailStart else { return nil }
    let ends: ColdEnds
    if let kept = state.withLock({ $0.ends }) {
      ends = kept
    } else {
      ends = try ColdEnds.load(place, files, in: directory)
    }
    // Whoever reads all of the tail keeps it; nobody comes again.
    let isLast = range == place.tailStart..<place.size
    state.withLock { $0.ends = isLast ? nil : ends }
    return ends.bytes(range, of: place)
  }
}
