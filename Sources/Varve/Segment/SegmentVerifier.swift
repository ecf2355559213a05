// The deep check of a segment, front to back, with plain reads: what the disk holds, not what some
// mapping has cached. It goes on after a finding wherever the rest can still be found.
//
//   header, footer -> zeros between sections -> properties, filter, top
//     each leaf: checksum, outline
//       each block: place, zeros before it, checksum, codec, entries, order, separators, filter
//   counted == properties

import VarveFormat
import VarvePlatform

/// Checks every byte of one segment file and reports each thing that is wrong.
final class SegmentVerifier {
  let pieces: FilePieces
  let id: FileID
  let decompressor: Decompressor
  let report: (Finding) -> Void
  /// Called with the bytes read after each piece; false stops the check.
  private let progress: (UInt64) -> Bool
  /// Checks what an entry, whose block has this offset, says to those who know what keys mean.
  let checkMeaning: (EntryView, UInt64) throws(FormatError) -> Void
  /// Told of every pointer to a value and the offset of its block.
  let onPointer: (ValuePointer, UInt64) -> Void

  var order = EntryOrder()
  var counter = SegmentCounter()
  /// False once something could not be read, so that the counts mean nothing.
  var isComplete = true
  var isStopped = false
  var filter: Filter?

  init(
    _ pieces: FilePieces, id: FileID, decompressor: Decompressor,
    progress: @escaping (UInt64) -> Bool = { _ in true },
    checkMeaning: @escaping (EntryView, UInt64) throws(FormatError) -> Void = { _, _ in },
    onPointer: @escaping (ValuePointer, UInt64) -> Void = { _, _ in },
    report: @escaping (Finding) -> Void
  ) {
    self.pieces = pieces
    self.id = id
    self.decompressor = decompressor
    self.progress = progress
    self.checkMeaning = checkMeaning
    self.onPointer = onPointer
    self.report = report
  }

  /// Runs the whole check.
  func run() {
    guard let footer = readEnds() else { return }
    checkGaps(footer)
    let properties = readProperties(footer)
    let filterBuffer = readFilter(footer)
    if let section = footer.section(.indexTop), let data = footer.section(.dataBlocks),
      let leaves = footer.section(.indexLeaves),
      let buffer = read(section, .blockIndex, section.checksum),
      let top = decode({ () throws(FormatError) in
        try IndexNode(decoding: buffer.view(), .top, at: section.offset)
      })
    {
      checkLeaves(top, leaves, data)
      withExtendedLifetime(buffer) {}
    } else {
      isComplete = false
    }
    withExtendedLifetime(filterBuffer) {}
    if let properties, isComplete, !isStopped { compare(properties, footer) }
  }
}

// MARK: - Reporting

extension SegmentVerifier {
  func found(_ error: FormatError) {
    isComplete = false
    report(Finding(error, in: pieces.file.name))
  }

  func found(
    _ structure: FormatError.Structure, _ fault: FormatError.Fault, at offset: UInt64
  ) {
    found(FormatError(structure, fault, at: offset))
  }

  /// The result of a decoder, or nil after reporting why there is none.
  func decode<Result>(_ body: () throws(FormatError) -> Result) -> Result? {
    do { return try body() } catch {
      found(error)
      return nil
    }
  }

  /// A piece of the file, or nil after reporting why it cannot be read.
  func read(
    _ count: UInt64, at offset: UInt64, _ structure: FormatError.Structure
  ) -> AlignedBuffer? {
    guard offset <= pieces.size, count <= pieces.size - offset else {
      found(structure, .truncated, at: offset)
      return nil
    }
    do {
      let buffer = try pieces.read(count, at: offset)
      isStopped = isStopped || !progress(count)
      return buffer
    } catch {
      isComplete = false
      report(
        Finding(
          file: pieces.file.name, structure: structure, offset: error.offset ?? offset,
          message: error.message))
      return nil
    }
  }

  /// A section or leaf whose checksum is known.
  func read(
    _ section: SegmentSection, _ structure: FormatError.Structure, _ checksum: UInt32
  ) -> AlignedBuffer? {
    guard let buffer = read(section.length, at: section.offset, structure),
      decode({ () throws(FormatError) in
        try buffer.view().check(checksum, structure, in: id, at: section.offset)
      }) != nil
    else { return nil }
    return buffer
  }

  /// Reports bytes that are not zero between `start` and `end`, in pieces of bounded size.
  func checkZeros(
    from start: UInt64, to end: UInt64, _ structure: FormatError.Structure
  ) {
    guard end > start else { return }
    guard end - start < 64 else { return found(structure, .excess, at: start) }
    guard let buffer = read(end - start, at: start, structure) else { return }
    let bytes = buffer.view()
    for index in 0..<bytes.count where bytes.byte(at: index) != 0 {
      return found(structure, .value("padding"), at: start + UInt64(index))
    }
  }
}
