import VarveFormat
import VarvePlatform

/// Header and tail of a cold file: kept on disk as `<name>.tail`, so that a search asks the bucket for
/// nothing but the block it leads to. Spec: bucket.md, "On disk".
///
/// ```
///   16 bytes of the file's SHA-256 | header | tail | CRC-32C of all before
/// ```
///
/// A copy may be missing or damaged at any time: then it is fetched and written again, in its place: its name may be
/// the mark of a file that came back (`BroughtFiles`), who alone removes it as long as the file lives. It is not synced.
struct ColdEnds: Sendable {
  private static let markBytes = 16
  private static let sumBytes = 4

  private let head: [UInt8]
  private let tail: [UInt8]

  /// Copies bytes of one end: those of the file's `range`, which is one (`ColdPlace.isEnd`).
  func copy(_ range: Range<UInt64>, of place: ColdPlace, into buffer: AlignedBuffer) {
    let isTail = range.lowerBound >= place.tailStart
    let first = Int(range.lowerBound - (isTail ? place.tailStart : 0))
    (isTail ? tail : head).withByteView {
      buffer.copy($0.dropping(first).prefix(range.count))
    }
  }

  static func name(of file: String) -> String { file + ".tail" }
}

// MARK: - Loading

extension ColdEnds {
  /// The ends of a file, from the copy on disk or from the bucket.
  static func load(
    _ place: ColdPlace, _ files: ColdFiles, in directory: any Directory
  ) throws(FileSystemError) -> ColdEnds {
    if let kept = try? read(place, in: directory) { return kept }
    let ends = try fetch(place, files)
    // Without a copy the next opening asks again.
    files.gate.pass { try? ends.write(place, in: directory) }
    return ends
  }

  /// The ends of a file as they are in the bucket.
  static func fetch(_ place: ColdPlace, _ files: ColdFiles) throws(FileSystemError) -> ColdEnds {
    ColdEnds(
      head: try files.fetch(0..<min(place.size, UInt64(FileHeader.byteCount)), of: place),
      tail: place.tailStart == place.size
        ? [] : try files.fetch(place.tailStart..<place.size, of: place))
  }

  /// Copies the ends of a file that is on disk.
  static func keep(
    of file: any File, _ place: ColdPlace, in directory: any Directory
  ) throws(FileSystemError) {
    let headEnd = min(place.size, UInt64(FileHeader.byteCount))
    let ends = ColdEnds(
      head: try file.bytes(0..<headEnd), tail: try file.bytes(place.tailStart..<place.size))
    try ends.write(place, in: directory)
  }

  private static func read(
    _ place: ColdPlace, in directory: any Directory
  ) throws(FileSystemError) -> ColdEnds? {
    let file = try directory.open(name(of: place.file.name.description))
    defer { try? file.close() }
    let headCount = Int(min(place.size, UInt64(FileHeader.byteCount)))
    let tailCount = Int(place.size - place.tailStart)
    let whole = markBytes + headCount + tailCount + sumBytes
    guard try file.size() == UInt64(whole) else { return nil }
    let bytes = try file.bytes(0..<UInt64(whole))
    guard bytes.count == whole, bytes.starts(with: place.file.object.digest.prefix(markBytes)),
      bytes.suffix(sumBytes).elementsEqual(sum(of: bytes.dropLast(sumBytes)))
    else { return nil }
    return ColdEnds(
      head: Array(bytes[markBytes..<markBytes + headCount]),
      tail: Array(bytes[(markBytes + headCount)..<(whole - sumBytes)]))
  }

  private func write(_ place: ColdPlace, in directory: any Directory) throws(FileSystemError) {
    let name = Self.name(of: place.file.name.description)
    var bytes = Array(place.file.object.digest.prefix(Self.markBytes)) + head + tail
    bytes += Self.sum(of: bytes[...])
    let isThere = try directory.status(of: name) != nil
    let file = try isThere ? directory.openForWriting(name) : directory.create(name)
    defer { try? file.close() }
    try file.truncate(to: 0)
    do throws(FileSystemError) {
      try bytes.withByteView { view throws(FileSystemError) in try file.write(view, at: 0) }
    } catch {
      try? file.truncate(to: 0)
      throw error
    }
  }

  /// Forgets what is kept of a file. The name stays.
  static func empty(_ file: String, in directory: any Directory) throws(FileSystemError) {
    let kept = try directory.openForWriting(name(of: file))
    defer { try? kept.close() }
    try kept.truncate(to: 0)
  }

  private static func sum(of bytes: ArraySlice<UInt8>) -> [UInt8] {
    let sum = Array(bytes).withByteView(CRC32C.checksum(of:))
    return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
  }
}

extension File {
  /// Bytes of the file, fewer at its end.
  func bytes(_ range: Range<UInt64>) throws(FileSystemError) -> [UInt8] {
    let buffer = AlignedBuffer(capacity: range.count)
    let count = try read(into: buffer, count: range.count, at: range.lowerBound)
    return buffer.view(count: count).array
  }
}

extension ColdPlace {
  /// Whether bytes of the file lie in its header or in its tail.
  func isEnd(_ range: Range<UInt64>) -> Bool {
    range.upperBound <= UInt64(FileHeader.byteCount) || range.lowerBound >= tailStart
  }
}
