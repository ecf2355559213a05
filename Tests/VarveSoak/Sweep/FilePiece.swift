import VarveFormat

/// A part of a file that has a checksum of its own, or is as a whole what another part has the checksum of.
struct FilePiece: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case block, leaf, section, footer
    /// Of a value file: header and value, and each of the two.
    case record, header, value
    case logRecord
    /// All that comes behind the header of the file.
    case body
  }

  var kind: Kind
  var range: Range<Int>

  private init(_ kind: Kind, _ start: UInt64, count: UInt64) {
    self.kind = kind
    range = Int(start)..<Int(start + count)
  }

  /// Whether one of them may take the place of the other.
  func isLike(_ other: FilePiece) -> Bool { kind == other.kind && range.count == other.range.count }

  /// All of a file that is as it was written.
  static func all(of bytes: [UInt8]) throws(FormatError) -> [FilePiece] {
    try bytes.withByteView { view throws(FormatError) in
      let start = UInt64(FileHeader.byteCount)
      guard bytes.count > FileHeader.byteCount, let kind = FileName.Kind.recognise(view) else {
        return []
      }
      let header = try FileHeader(decoding: view, as: kind)
      let body = FilePiece(.body, start, count: UInt64(bytes.count) - start)
      switch kind {
      case .segment: return try segment(view, header.identity) + [body]
      case .values: return values(view, header.identity) + [body]
      case .log:
        return log(view, LogIdentity(number: header.number, salt: header.identity.low)) + [body]
      case .manifest: return [body]
      }
    }
  }
}

// MARK: - By kind of file

extension FilePiece {
  private static func segment(
    _ bytes: ByteView, _ id: FileID
  ) throws(FormatError) -> [FilePiece] {
    let footer = try SegmentFooter(decoding: bytes, fileSize: UInt64(bytes.count), id: id)
    var pieces: [FilePiece] = []
    for section in footer.sections where section.kind.map({ !$0.isCheckedInParts }) ?? true {
      pieces.append(FilePiece(.section, section.offset, count: section.length))
    }
    let end = footer.sections.map(\.end).max() ?? 0
    pieces.append(FilePiece(.footer, end, count: UInt64(bytes.count) - end))
    let top = try footer.required(.indexTop)
    for leaf in try items(of: bytes, .top, top.offset, top.length) {
      pieces.append(FilePiece(.leaf, leaf.offset, count: UInt64(leaf.storedCount)))
      for block in try items(of: bytes, .leaf, leaf.offset, UInt64(leaf.storedCount)) {
        pieces.append(FilePiece(.block, block.offset, count: UInt64(block.storedCount)))
      }
    }
    return pieces
  }

  private static func items(
    of bytes: ByteView, _ level: IndexNode.Level, _ offset: UInt64, _ count: UInt64
  ) throws(FormatError) -> [BlockHandle] {
    guard let part = bytes.part(at: Int(offset), count: Int(count)) else { return [] }
    let node = try IndexNode(decoding: part, level, at: offset)
    var handles: [BlockHandle] = []
    for index in 0..<node.count { handles.append(try node.handle(at: index)) }
    return handles
  }

  /// Up to where a crash left off.
  private static func values(_ bytes: ByteView, _ id: FileID) -> [FilePiece] {
    var walk = ValueFileWalk(id: id, size: UInt64(bytes.count))
    var pieces: [FilePiece] = []
    let headerCount = UInt64(ValueRecord.headerBytes)
    while !walk.isAtEnd,
      let window = bytes.part(at: Int(walk.position), count: walk.windowCount),
      let step = try? walk.next(window)
    {
      guard case .value(let value) = step.record else { continue }
      pieces += [
        FilePiece(.header, step.header, count: headerCount),
        FilePiece(.value, step.value, count: UInt64(value.storedCount)),
        FilePiece(.record, step.header, count: headerCount + UInt64(value.storedCount)),
      ]
    }
    return pieces
  }

  private static func log(_ bytes: ByteView, _ identity: LogIdentity) -> [FilePiece] {
    var reader = LogReader(bytes, identity: identity)
    var pieces: [FilePiece] = []
    while let record = reader.next() {
      pieces.append(FilePiece(.logRecord, record.offset, count: record.end - record.offset))
    }
    return pieces
  }
}
