import Foundation

/// No engine: a bare append to a file, and what a durable put cannot well be faster than.
///
/// The file is prepared as a careful log is: its blocks are reserved and written once before, so
/// that a sync has nothing to record but the bytes.
final class BareLog: Peer, @unchecked Sendable {
  static let name = "bare log"
  static let traits = PeerTraits(isReference: true)

  private static let preparedBytes = 16 << 20
  fileprivate let file: Int32
  fileprivate let isDurable: Bool
  private let end = NSLock()
  nonisolated(unsafe) private var endOffset = 0

  init(in directory: String, _ settings: PeerSettings) throws {
    isDurable = settings.isDurable
    file = open(directory + "/log", O_RDWR | O_CREAT, 0o644)
    guard file >= 0, posix_fallocate(file, 0, off_t(Self.preparedBytes)) == 0 else {
      throw PeerFailure(description: "bare log: the file cannot be prepared")
    }
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    for offset in stride(from: 0, to: Self.preparedBytes, by: zeros.count) {
      guard pwrite(file, zeros, zeros.count, off_t(offset)) == zeros.count else {
        throw PeerFailure(description: "bare log: the file cannot be written")
      }
    }
    guard fsync(file) == 0 else { throw PeerFailure(description: "bare log: no sync") }
  }

  /// Where the next so many bytes go; begins again at the front when the prepared part is full.
  fileprivate func reserve(_ count: Int) -> Int {
    end.withLock {
      if endOffset + count > Self.preparedBytes { endOffset = 0 }
      defer { endOffset += count }
      return endOffset
    }
  }

  func session() throws -> BareLogSession { BareLogSession(self) }
  func settle() throws {}
  func close() throws { Foundation.close(file) }
}

final class BareLogSession: PeerSession {
  private let log: BareLog
  private var record: [UInt8] = []

  init(_ log: BareLog) { self.log = log }

  func put(_ key: Bytes, _ value: Bytes) throws {
    record.removeAll(keepingCapacity: true)
    // As much as a checksum and lengths take.
    record.append(contentsOf: repeatElement(0, count: 12))
    record.append(contentsOf: key)
    record.append(contentsOf: value)
    let offset = log.reserve(record.count)
    guard pwrite(log.file, record, record.count, off_t(offset)) == record.count else {
      throw PeerFailure(description: "bare log: a write failed")
    }
    if log.isDurable, fdatasync(log.file) != 0 {
      throw PeerFailure(description: "bare log: a sync failed")
    }
  }

  func put(_ batch: ArraySlice<Operation>) throws { throw Self.cannot }
  func delete(_ key: Bytes) throws { throw Self.cannot }
  func get(_ key: Bytes, into tally: inout Tally) throws { throw Self.cannot }
  func get(_ keys: ArraySlice<Operation>, into tally: inout Tally) throws { throw Self.cannot }
  func scan(_ scan: Scan, into tally: inout Tally) throws { throw Self.cannot }
  func close() {}

  private static let cannot = PeerFailure(description: "bare log: it only appends")
}
