import CVarveShims
import Synchronization
import VarvePlatform

/// One word for each thread slot: the epoch in which the thread entered and how often it is inside.
///
/// ```
/// slot 0: epoch << 16 | depth, 120 unused bytes     a pair of cache lines each, so that no thread
/// slot 1: ...                                       writes what another one reads
/// ```
///
/// Only the slot's thread writes it; `oldest` reads them all.
@safe
struct EpochSlots: Sendable {
  private static let strideBytes = 128
  private static let depthBits: UInt64 = 16
  private static let depthMask: UInt64 = (1 << depthBits) - 1

  private let memory: AlignedBuffer
  // The start of `memory`, which keeps it alive.
  private nonisolated(unsafe) let start: UnsafeMutableRawPointer

  init() {
    memory = AlignedBuffer(capacity: Int(VARVE_THREAD_SLOTS) * Self.strideBytes)
    unsafe start = memory.withMutableBytes { bytes in
      // Nobody else has the memory yet.
      unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return unsafe bytes.baseAddress.unsafelyUnwrapped
    }
  }

  // Slots come from `varve_thread_slot`: below VARVE_THREAD_SLOTS, and so inside the memory, which
  // is only ever used as atomic words.
  @inline(__always)
  private func word(_ slot: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    unsafe (start + slot &* Self.strideBytes).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inline(__always)
  func enter(_ slot: Int, _ epoch: UInt64) {
    let inside = unsafe word(slot).pointee.load(ordering: .relaxed)
    if inside == 0 {
      unsafe word(slot).pointee.store(
        epoch << Self.depthBits | 1, ordering: .sequentiallyConsistent)
    } else {
      unsafe word(slot).pointee.store(inside &+ 1, ordering: .relaxed)
    }
  }

  @inline(__always)
  func exit(_ slot: Int) {
    let inside = unsafe word(slot).pointee.load(ordering: .relaxed)
    let left = inside & Self.depthMask == 1 ? 0 : inside &- 1
    unsafe word(slot).pointee.store(left, ordering: .releasing)
  }

  /// The lowest epoch in which a thread that is inside entered; all ones when none is.
  func oldest() -> UInt64 {
    var oldest = UInt64.max
    for slot in 0..<Int(VARVE_THREAD_SLOTS) {
      let inside = unsafe word(slot).pointee.load(ordering: .sequentiallyConsistent)
      if inside != 0 { oldest = min(oldest, inside >> Self.depthBits) }
    }
    return oldest
  }
}
