/// One log file of a store, as it was found.
package struct LogSource: Sendable {
  /// From the file's name.
  package var number: UInt64
  /// The whole file.
  package var bytes: ByteView
  /// Bytes up to which anything was ever written: all behind them is zero, which need not be read to
  /// be known. A log is made far longer than what it holds at first.
  package var writtenCount: Int

  /// - Parameter writtenCount: nil where nobody knows better than to read all of it.
  package init(number: UInt64, bytes: ByteView, writtenCount: Int? = nil) {
    self.number = number
    self.bytes = bytes
    self.writtenCount = max(0, min(writtenCount ?? bytes.count, bytes.count))
  }

  /// What may be something else than zeros.
  var written: ByteView { bytes.prefix(writtenCount) }
}

/// All that one log says for itself, before the logs around it are heard.
///
/// The records up to the first flaw are read in full. Behind a flaw that a crash may have left,
/// every multiple of 16 is tried for a record header whose checksum holds: what such a header says
/// of the watermark is true even where its own payload is torn. One pass over the file, no more.
struct LogSurvey {
  let number: UInt64
  let bytes: ByteView
  /// The bytes without zeros of which the file system knows.
  let written: ByteView
  /// Nil for a file that never became a log: without a valid header and without anything behind it.
  var identity: LogIdentity?
  /// Where the records end.
  var endOffset = 0
  var end = LogEnd.clean
  /// Of the first record; nil where there is none.
  var firstSequence: SequenceNumber?
  /// Where that stands.
  var firstSequencePlace: UInt64 = 0
  /// That the next record would begin with; nil where there is no record.
  var nextSequence: SequenceNumber?
  /// The highest that any header in the file states.
  var watermark = LogPosition.none
  /// Records up to the end.
  var recordCount = 0
  /// Headers found behind the end.
  var laterHeaders = 0
  /// Whether a record ends where the manifest says one does, and what follows there.
  var checkpoint: Checkpoint?

  /// The state of the walk at one offset.
  struct Checkpoint {
    var nextSequence: SequenceNumber?
  }

  /// Reads the log `source` of the store `storeTag`.
  ///
  /// - Parameters:
  ///   - checkpointOffset: where a record must end, if anywhere.
  ///   - visit: handed every record up to the end.
  init(
    _ source: LogSource, storeTag: UInt64, checkpointOffset: UInt64?,
    visit: ((LogRecord) -> Void)? = nil
  ) throws(FormatError) {
    number = source.number
    bytes = source.bytes
    written = source.written
    do {
      identity = try Self.identity(of: source, storeTag: storeTag)
    } catch {
      guard Self.neverUsed(source, error) else { throw error }
      end = .invalid(.torn(error))
    }
    guard let identity else { return }
    readRecords(identity, checkpointOffset, visit)
    if case .invalid(.torn) = end { findLaterHeaders(identity) }
  }
}

// MARK: - File header

extension LogSurvey {
  private static func identity(
    of source: LogSource, storeTag: UInt64
  ) throws(FormatError) -> LogIdentity {
    let header = try FileHeader(decoding: source.bytes, as: .log)
    guard header.number == source.number else {
      throw FormatError(.fileHeader, .value("file number"), at: 24)
    }
    guard header.storeTag == storeTag else {
      throw FormatError(.fileHeader, .value("store tag"), at: 48)
    }
    return LogIdentity(number: header.number, salt: header.identity.low)
  }

  /// Whether a file with a bad header is one that never became a log.
  ///
  /// A header is durable before the first record is appended. So a header that does not verify is
  /// the trace of a crash only while nothing follows it.
  private static func neverUsed(_ source: LogSource, _ error: FormatError) -> Bool {
    switch error.fault {
    case .version, .features: false
    default: source.written.dropping(FileHeader.byteCount).isAllZero
    }
  }
}

// MARK: - Records

extension LogSurvey {
  private mutating func readRecords(
    _ identity: LogIdentity, _ checkpointOffset: UInt64?, _ visit: ((LogRecord) -> Void)?
  ) {
    var reader = LogReader(bytes, identity: identity, writtenCount: written.count)
    noteCheckpoint(reader, checkpointOffset)
    while let record = reader.next() {
      if firstSequence == nil {
        (firstSequence, firstSequencePlace) = (record.firstSequence, record.sequencePlace)
      }
      recordCount += 1
      visit?(record)
      noteCheckpoint(reader, checkpointOffset)
    }
    nextSequence = reader.nextSequence
    watermark = reader.watermark
    endOffset = reader.offset
    end = reader.end ?? .clean
  }

  private mutating func noteCheckpoint(_ reader: LogReader, _ offset: UInt64?) {
    if offset == UInt64(reader.offset), checkpoint == nil {
      checkpoint = Checkpoint(nextSequence: reader.nextSequence)
    }
  }

  /// Tries every place behind the end for a header. About 2 ns a place where there are zeros,
  /// 20 ns where there are none.
  private mutating func findLaterHeaders(_ identity: LogIdentity) {
    var offset = endOffset &+ LogRecordHeader.alignment
    while offset < written.count, let start = bytes.uint64(at: offset &+ 8) {
      // The type is not zero and the byte behind it is, or it is an entry's: cheaper than a checksum.
      let type = UInt8(start >> 32 & 0xff)
      if type != 0, start >> 40 & 0xff == 0 || LogRecordHeader.isOfEntry(type: type),
        let header = try? LogRecordHeader(in: bytes, at: offset, identity: identity)
      {
        watermark = max(watermark, header.watermark)
        laterHeaders &+= 1
      }
      offset &+= LogRecordHeader.alignment
    }
  }
}
