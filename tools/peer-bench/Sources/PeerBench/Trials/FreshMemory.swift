import Foundation

/// Memory that nobody has used for a while.
///
/// A virtual machine may give it back to its host (free page reporting), and whoever needs it next
/// waits for the host, which can take longer than all that the engines do with it. So the memory that a run
/// may take is made present before each.
enum FreshMemory {
  /// What the largest of the runs takes, page cache included.
  private static let mostBytes = 2 << 30
  /// What small ones take, with the buffers of all engines.
  private static let leastBytes = 256 << 20

  /// For a run of `workload` at `scale`.
  static func makePresent(for workload: Workload, scale: Double) {
    // Real records are as many at each scale, and in a second as much is written as the engine can.
    let isWhole = workload.seconds != nil || workload.data.isReal
    // Short runs, of which there are many, take little at any scale.
    let share = workload.turns == 1 ? min(1, scale) : 0
    let bytes = isWhole ? mostBytes : max(leastBytes, Int(Double(mostBytes) * share))
    let protection = PROT_READ | PROT_WRITE
    let start = mmap(nil, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start, start != MAP_FAILED else { return }
    madvise(start, bytes, Int32(MADV_HUGEPAGE))
    for offset in stride(from: 0, to: bytes, by: 4096) {
      start.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
    }
    munmap(start, bytes)
  }
}
