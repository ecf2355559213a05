import Synchronization
import VarveFormat

/// One value file that may be pointed into, from its first value until the last reader is gone.
///
/// Segments keep a file through the manifest. Entries that are not in a segment yet (a batch on its
/// way, a memtable) keep it by a pin; only the file that is being filled takes new values, and it
/// has a pin of its own, so the pins of a full file only go down.
final class ValueFileHandle: Sendable {
  let number: UInt64
  private let lifetime: FileLifetime
  private let pins = Atomic<Int>(0)

  init(number: UInt64, obsoleteFiles: ObsoleteFiles) {
    self.number = number
    lifetime = FileLifetime(FileName(.values, number), obsoleteFiles: obsoleteFiles)
  }

  var isPinned: Bool { pins.load(ordering: .acquiring) > 0 }

  func pin() { pins.wrappingAdd(1, ordering: .relaxed) }

  func unpin() { pins.wrappingSubtract(1, ordering: .releasing) }

  func markObsolete() { lifetime.markObsolete() }
}
