import VarveFormat
import VarvePlatform

/// A file that lies in the bucket, read like one on disk.
///
/// ```
///   header | blocks or values ................ | tail
///      \______________ ends _________________/
///   ends     from a copy on disk (ColdEnds), fetched where there is none
///   between  fetched: what is asked for, and what was said to be read soon
/// ```
///
/// Who reads checks what comes, as of every file: nothing here looks into it.
final class ColdFile: File {
  /// Bytes that one request brings at most beyond what was asked for.
  fileprivate static let mostAhead: UInt64 = 8 << 20
  private static let keptWindows = 4

  fileprivate struct Window: Sendable {
    var offset: UInt64
    var bytes: [UInt8]

    var range: Range<UInt64> { offset..<offset + UInt64(bytes.count) }
  }

  fileprivate struct State: Sendable {
    /// Header and tail, from their first use until the whole tail was read.
    var ends: ColdEnds?
    /// What was said to be read soon.
    var expected: Range<UInt64> = 0..<0
    /// What came with earlier requests, the newest last.
    var windows: [Window] = []
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

  func dropCache() throws(FileSystemError) { state.withLock { $0.windows = [] } }
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
    if let bytes = try fromEnds(range) ?? state.withLock({ $0.find(range) }) { return bytes }
    let wanted = state.withLock { $0.extended(range, before: place.tailStart) }
    let fetched = try files.fetch(wanted, of: place)
    guard wanted != range else { return fetched }
    let window = Window(offset: wanted.lowerBound, bytes: fetched)
    state.withLock { state in
      state.windows.append(window)
      if state.windows.count > Self.keptWindows { state.windows.removeFirst() }
    }
    return Array(fetched.prefix(range.count))
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

extension ColdFile.State {
  fileprivate func find(_ range: Range<UInt64>) -> [UInt8]? {
    guard
      let window = windows.last(where: {
        $0.range.lowerBound <= range.lowerBound && range.upperBound <= $0.range.upperBound
      })
    else { return nil }
    let start = Int(range.lowerBound - window.offset)
    return Array(window.bytes[start..<start + range.count])
  }

  /// What to fetch for `range`: up to the end of what was said to be read soon.
  fileprivate func extended(_ range: Range<UInt64>, before end: UInt64) -> Range<UInt64> {
    guard expected.contains(range.lowerBound), range.upperBound < end else { return range }
    let limit = min(expected.upperBound, end, range.upperBound + ColdFile.mostAhead)
    return range.lowerBound..<max(range.upperBound, limit)
  }
}

// MARK: - What a file for reading refuses

extension ColdFile {
  func write(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) { throw refusal(.write) }

  func reserve(_ size: UInt64) throws(FileSystemError) { throw refusal(.reserve) }

  func truncate(to size: UInt64) throws(FileSystemError) { throw refusal(.truncate) }

  func sync() throws(FileSystemError) { throw refusal(.sync) }

  private func refusal(_ operation: FileSystemError.Operation) -> FileSystemError {
    FileSystemError(operation, .permission, path: name)
  }
}
