/// Goes through the records of a value file in order, shown one window of bytes at a time.
///
/// ```swift
/// var walk = ValueFileWalk(id: id, size: size)
/// while !walk.isAtEnd {
///   let step = try walk.next(bytes(at: walk.position, walk.windowCount))
/// }
/// ```
///
/// It checks that the records cover the file without a gap or an overlap: each stands where the
/// rule for places says, zeros lie between, and the end record counts what came before it. It never
/// looks for the next record behind an unreadable header: lengths are the only way on, and there is
/// no believing them.
package struct ValueFileWalk {
  /// One record and where its header stands.
  package struct Step: Equatable, Sendable {
    package var header: UInt64
    package var record: ValueRecord

    /// Where the value begins, or what follows the header.
    package var value: UInt64 { header &+ UInt64(ValueRecord.headerBytes) }
  }

  /// The most a window can need: the rest of eight bytes, the padding of the widest alignment, and
  /// a header.
  private static let widestWindow = UInt64(7 + 4096 + ValueRecord.headerBytes)

  package let id: FileID
  package let size: UInt64
  /// Where the last record ended.
  package private(set) var position = UInt64(FileHeader.byteCount)
  package private(set) var counts = ValueFileCounts()
  /// True once the end record was seen: the file is complete.
  package private(set) var isSealed = false

  /// Begins behind the file header of a file of `size` bytes.
  package init(id: FileID, size: UInt64) {
    self.id = id
    self.size = size
  }

  package var isAtEnd: Bool { position >= size }

  /// How many bytes at `position` the next step wants to see.
  package var windowCount: Int { Int(min(Self.widestWindow, size &- min(position, size))) }

  /// The next record, given `windowCount` bytes at `position`. After an error the walk is over.
  package mutating func next(_ window: ByteView) throws(FormatError) -> Step {
    guard !isSealed else { throw FormatError(.valueRecord, .excess, at: position) }
    let header = try headerOffset(in: window)
    let bytes = window.dropping(Int(header &- position))
    let record = try ValueRecord(decoding: bytes, in: id, at: header)
    try check(record, at: header)
    return Step(header: header, record: record)
  }

  /// The first multiple of eight with a byte that is not zero among its eight.
  private func headerOffset(in window: ByteView) throws(FormatError) -> UInt64 {
    let first = ValuePlace.plainHeader(after: position)
    var index = Int(first &- position)
    guard window.prefix(index).isAllZero else {
      throw FormatError(.valueRecord, .value("padding"), at: position)
    }
    while window.uint64(at: index) == 0 { index &+= 8 }
    guard window.uint64(at: index) != nil else {
      // Zeros, or fewer bytes than a header has, up to the end of the window.
      let fault: FormatError.Fault =
        window.dropping(Int(first &- position)).count < ValueRecord.headerBytes
        ? .truncated : .value("record type")
      throw FormatError(.valueRecord, fault, at: min(first, size))
    }
    return position &+ UInt64(index)
  }

  /// Checks place and length of a record, and goes behind it.
  private mutating func check(_ record: ValueRecord, at header: UInt64) throws(FormatError) {
    let behind = header &+ UInt64(ValueRecord.headerBytes)
    switch record {
    case .value(let value):
      let place = ValuePlace(
        after: position, storedCount: value.storedCount, alignmentShift: value.alignmentShift)
      try expect(header == place.header, .value("record offset"), at: header)
      try expect(place.end <= size, .truncated, at: size)
      counts.add(value.storedCount)
      position = place.end
    case .gap(let count):
      try expect(
        header == ValuePlace.plainHeader(after: position), .value("record offset"), at: header)
      try expect(count <= size &- behind, .truncated, at: size)
      position = behind &+ count
    case .end(let found):
      try expect(
        header == ValuePlace.plainHeader(after: position), .value("record offset"), at: header)
      try expect(found == counts, .value("value counts"), at: header &+ 8)
      try expect(behind == size, .excess, at: behind)
      position = behind
      isSealed = true
    }
  }

  private func expect(
    _ condition: Bool, _ fault: FormatError.Fault, at offset: UInt64
  ) throws(FormatError) {
    guard condition else { throw FormatError(.valueRecord, fault, at: offset) }
  }
}
