import VarveFormat

// The smaller parts of a segment.

extension FuzzTarget {
  /// A filter; and a filter made of the hashes that the bytes stand for.
  static let filter = FuzzTarget("filter", upTo: 2 << 10) { bytes in
    let hashes = stride(from: 0, to: bytes.count & ~7, by: 8).compactMap { bytes.uint64(at: $0) }
    let found = accepted(bytes, at: 64) { () throws(FormatError) in
      try Filter(decoding: bytes, at: 64)
    }
    for hash in hashes { _ = found?.mayContain(hash) }
    let builder = FilterBuilder(bitsPerKey: Int(bytes.byte(at: 0) ?? 0))
    for hash in hashes { builder.add(hash) }
    builder.encoded().withByteView { written in
      let filter = accepted(written) { () throws(FormatError) in
        try Filter(decoding: written, at: 0)
      }
      promise(filter?.keyCount == UInt64(hashes.count), "a filter miscounts its keys")
      for hash in hashes { promise(filter?.mayContain(hash) == true, "a key is not in its filter") }
    }
  }

  /// The identity of the file that a footer on its own stands in.
  static let footerID = FileID(low: 1, high: 2)

  /// The end of a segment.
  static let footer = FuzzTarget(
    "footer", upTo: 4 << 10,
    sign: { file in
      if file.isRepaired {
        file.put("VarveEnd", at: file.count - 8)
        file.put(UInt64(file.count), at: file.count - 32)
      }
      file.signFooter(footerID)
    },
    read: { bytes in
      let end = bytes.dropping(bytes.count - SegmentFooter.maximumByteCount)
      let footer = accepted(bytes) { () throws(FormatError) in
        try SegmentFooter(decoding: end, fileSize: UInt64(bytes.count), id: footerID)
      }
      guard let footer else { return }
      let start = bytes.count - SegmentFooter.tailByteCount - 32 * footer.sections.count
      for section in footer.sections {
        promise(section.end <= UInt64(start) && section.end >= section.offset, "\(section)")
      }
      let written = footer.encoded(at: UInt64(start), id: footerID)
      promise(written == bytes.dropping(start).array, "a footer is not what would be written")
    })

  /// The properties of a segment.
  static let properties = FuzzTarget("properties", upTo: 2 << 10) { bytes in
    let found = accepted(bytes) { () throws(FormatError) in
      try SegmentProperties(decoding: bytes, at: 0)
    }
    guard let found else { return }
    promise(found.encoded() == bytes.array, "properties are not what would be written")
  }
}
