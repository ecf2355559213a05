import Synchronization
import VarveFormat
import VarvePlatform

/// A memtable with what must stay until it is flushed: its logs and the value files it points into.
final class MemTableGeneration: Sendable {
  let table: MemTable
  /// The log of its first entry. Logs below the first log of the next generation are not needed
  /// once this one is flushed.
  let firstLog: UInt64
  private let pointedBytes = Atomic<UInt64>(0)
  private let pinnedFiles = Monitor<[UInt64: ValueFileHandle]>([:])
  private let isUnpinned = Atomic<Bool>(false)

  init(firstLog: UInt64, pool: ChunkPool? = nil) {
    self.firstLog = firstLog
    table = MemTable(pool: pool)
  }

  /// Bytes of values in value files that its entries point to.
  var valueBytes: UInt64 { pointedBytes.load(ordering: .relaxed) }

  func addValueBytes(_ count: Int) { pointedBytes.wrappingAdd(UInt64(count), ordering: .relaxed) }

  /// Keeps value files that entries of this table point into. The files are pinned by the caller
  /// until this returns.
  func pin(_ files: [ValueFileHandle]) {
    guard !files.isEmpty else { return }
    pinnedFiles.withLock { pinned in
      for file in files where pinned[file.number] == nil {
        file.pin()
        pinned[file.number] = file
      }
    }
  }

  /// The value files its entries point into.
  var valueFiles: [ValueFileHandle] {
    pinnedFiles.withLock { $0.values.sorted { $0.number < $1.number } }
  }

  /// Segments keep the value files now, or drop them in time.
  ///
  /// The handles stay: a cursor whose view still has this table reads through its pointers, so the
  /// files may leave the manifest but not the disk.
  func unpinAll() {
    guard !isUnpinned.exchange(true, ordering: .acquiringAndReleasing) else { return }
    for file in valueFiles { file.unpin() }
  }
}
