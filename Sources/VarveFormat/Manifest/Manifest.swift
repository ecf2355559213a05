/// The complete description of one version of a store: which files are live and what is in them.
///
/// Each version is a file of its own, `manifest-<number>`; the highest number is the truth.
/// Spec: manifest.md.
package struct Manifest: Equatable, Sendable {
  /// Counts versions; also the file's number.
  package var number: UInt64
  /// Which store this is; the low half is the store tag in the headers of logs and manifests.
  package var storeID: FileID
  /// What a later version of this software has in the store that others may read and must not write to.
  package var readCompatibleFlags: UInt32 = 0
  /// SHA-256 of the manifest this one replaced; zeros in the first.
  package var predecessorDigest: [UInt8]
  /// The next log, segment or value file gets this number or a higher one.
  package var nextFileNumber: UInt64
  /// The highest sequence number of any entry in the segments.
  package var lastSequence: SequenceNumber
  /// Logs with lower numbers hold nothing that is not in segments.
  package var logFloor: UInt64
  /// True when the store was closed cleanly: then `logs` lists every live log with its exact length.
  package var isCleanlyClosed: Bool
  /// Logs at or above the floor whose contents are known, by number: all of them after a clean close.
  package var logs: [LogExtent]
  /// The latest wall-clock time seen, in milliseconds since 1970; time never goes back below it.
  package var timeFloor: UInt64
  /// Live segments, by level (0 first), then by number in level 0 and by smallest key elsewhere.
  package var segments: [SegmentRecord]
  /// Live value files by number.
  package var valueFiles: [ValueFileRecord]

  package init(storeID: FileID) {
    number = 0
    self.storeID = storeID
    predecessorDigest = [UInt8](repeating: 0, count: 32)
    nextFileNumber = 1
    lastSequence = .zero
    logFloor = 0
    isCleanlyClosed = false
    logs = []
    timeFloor = 0
    segments = []
    valueFiles = []
  }

  /// What it says of a log; nil where it does not name it.
  package func extent(of log: UInt64) -> LogExtent? {
    var low = 0
    var high = logs.count
    while low < high {
      let middle = (low &+ high) / 2
      if logs[middle].number < log { low = middle &+ 1 } else { high = middle }
    }
    guard low < logs.count, logs[low].number == log else { return nil }
    return logs[low]
  }
}

/// How far a log is known to be durable and valid.
package struct LogExtent: Equatable, Sendable {
  package var number: UInt64
  /// Bytes up to which every record is durable; the exact file length after a clean close.
  package var length: UInt64
  /// Of the last entry within that length; zero where there is no record.
  package var lastSequence: SequenceNumber

  package init(number: UInt64, length: UInt64, lastSequence: SequenceNumber) {
    self.number = number
    self.length = length
    self.lastSequence = lastSequence
  }
}

/// What a version knows of one segment without opening it.
package struct SegmentRecord: Equatable, Sendable {
  package var number: UInt64
  package var id: FileID
  package var level: UInt8
  /// Bytes of the file.
  package var size: UInt64
  /// The first and last engine key.
  package var smallestKey: [UInt8]
  package var largestKey: [UInt8]
  package var smallestSequence: SequenceNumber
  package var largestSequence: SequenceNumber
  package var entryCount: UInt64
  /// Distinct keys: what exceeds them are older versions.
  package var keyCount: UInt64
  /// Entries of kind `.delete`.
  package var deleteCount: UInt64
  /// Entries that have an expiry.
  package var expiringCount: UInt64
  /// The earliest and latest expiry of any entry that has one; zero where none has.
  package var earliestExpiry: ExpiryTime
  package var latestExpiry: ExpiryTime
  /// Bytes of keys and values before compression, pointers counted as themselves.
  package var rawBytes: UInt64
  /// SHA-256 of the file; empty where it was not computed.
  package var digest: [UInt8]
  /// What this segment's pointers keep alive, by value file number.
  package var valueReferences: [ValueReference]

  /// Without counts of keys and of expiring entries, each entry counts as a key of its own, and as
  /// expiring where any does.
  package init(
    number: UInt64, id: FileID, level: UInt8, size: UInt64, smallestKey: [UInt8],
    largestKey: [UInt8], smallestSequence: SequenceNumber, largestSequence: SequenceNumber,
    entryCount: UInt64, keyCount: UInt64? = nil, deleteCount: UInt64 = 0,
    expiringCount: UInt64? = nil, earliestExpiry: ExpiryTime = 0, latestExpiry: ExpiryTime = 0,
    rawBytes: UInt64, digest: [UInt8] = [],
    valueReferences: [ValueReference] = []
  ) {
    self.number = number
    self.id = id
    self.level = level
    self.size = size
    self.smallestKey = smallestKey
    self.largestKey = largestKey
    self.smallestSequence = smallestSequence
    self.largestSequence = largestSequence
    self.entryCount = entryCount
    self.keyCount = keyCount ?? entryCount
    self.deleteCount = deleteCount
    self.expiringCount = expiringCount ?? (latestExpiry == 0 ? 0 : entryCount)
    self.earliestExpiry = earliestExpiry
    self.latestExpiry = latestExpiry
    self.rawBytes = rawBytes
    self.digest = digest
    self.valueReferences = valueReferences
  }
}

/// How much of a value file one segment points to.
package struct ValueReference: Equatable, Sendable {
  package var file: UInt64
  package var count: UInt64
  /// Stored bytes of those values, record headers and padding not counted.
  package var bytes: UInt64

  package init(file: UInt64, count: UInt64, bytes: UInt64) {
    self.file = file
    self.count = count
    self.bytes = bytes
  }
}

/// What a version knows of one value file.
package struct ValueFileRecord: Equatable, Sendable {
  package var number: UInt64
  package var id: FileID
  /// Bytes of the file.
  package var size: UInt64
  /// Values in it, live or not, and their stored bytes.
  package var valueCount: UInt64
  package var valueBytes: UInt64
  /// Whether its values were written in the order of their keys.
  package var isOrdered: Bool

  package init(
    number: UInt64, id: FileID, size: UInt64, valueCount: UInt64, valueBytes: UInt64,
    isOrdered: Bool = false
  ) {
    self.number = number
    self.id = id
    self.size = size
    self.valueCount = valueCount
    self.valueBytes = valueBytes
    self.isOrdered = isOrdered
  }
}
