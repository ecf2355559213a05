import VarveFormat
import VarvePlatform

// What surrounds the blocks: header, footer, the zeros between, and the sections read as a whole.

extension SegmentVerifier {
  func readEnds() -> SegmentFooter? {
    do {
      let size = try pieces.fileSize()
      guard size == pieces.size else {
        found(.footer, .value("file length"), at: min(size, pieces.size))
        return nil
      }
    } catch {
      report(
        Finding(
          file: pieces.file.name, structure: .fileHeader, offset: 0, message: error.message))
      return nil
    }
    if let header = read(
      min(pieces.size, UInt64(FileHeader.byteCount)), at: 0, .fileHeader),
      let decoded = decode({ () throws(FormatError) in
        try FileHeader(decoding: header.view(), as: .segment)
      }), decoded.identity != id
    {
      found(.fileHeader, .value("segment id"), at: 32)
    }
    let count = min(pieces.size, UInt64(SegmentFooter.maximumByteCount))
    guard let end = read(count, at: pieces.size - count, .footer) else { return nil }
    return decode { () throws(FormatError) in
      try SegmentFooter(decoding: end.view(), fileSize: pieces.size, id: id)
    }
  }

  func checkGaps(_ footer: SegmentFooter) {
    var end = UInt64(FileHeader.byteCount)
    for section in footer.sections {
      checkZeros(from: end, to: section.offset, .footer)
      end = section.end
    }
    let table = SegmentFooter.tailByteCount + footer.sections.count * SegmentSection.byteCount
    checkZeros(from: end, to: pieces.size - UInt64(table), .footer)
  }

  func readProperties(_ footer: SegmentFooter) -> SegmentProperties? {
    guard let section = footer.section(.properties),
      let buffer = read(section, .properties, section.checksum)
    else { return nil }
    return decode { () throws(FormatError) in
      try SegmentProperties(decoding: buffer.view(), at: section.offset)
    }
  }

  func readFilter(_ footer: SegmentFooter) -> AlignedBuffer? {
    guard let section = footer.section(.filter) else { return nil }
    guard let buffer = read(section, .filter, section.checksum) else { return nil }
    filter = decode { () throws(FormatError) in
      try Filter(decoding: buffer.view(), at: section.offset)
    }
    return buffer
  }

  func compare(_ properties: SegmentProperties, _ footer: SegmentFooter) {
    let at = footer.section(.properties)?.offset ?? 0
    if counter.finish(largestKey: order.lastKey) != properties {
      found(.properties, .value("a count"), at: at)
    }
    if let filter, filter.keyCount != properties.keyCount {
      found(.filter, .value("key count"), at: (footer.section(.filter)?.offset ?? 0) + 8)
    }
  }
}
