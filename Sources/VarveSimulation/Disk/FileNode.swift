import VarveFormat

/// A file as a power cut would meet it: what the disk holds, and what only the cache holds.
///
/// ```
/// durable ── what survives for certain
/// base ───── what the cache held when nothing was pending: `durable`, unless a sync failed
///    + pending changes, in order
/// current ── what a read returns
/// ```
///
/// The cache writes back whole pages, each at any moment and none before another. So after a crash
/// each piece of a dirty page holds what it held after some number of the pending changes, pieces
/// independently of each other, and the size does too.
struct FileNode {
  /// A change that no sync has made durable.
  enum Change {
    case write(offset: Int, bytes: [UInt8])
    case resize(Int)
  }

  private(set) var durable = PagedBytes()
  private(set) var base = PagedBytes()
  private(set) var current = PagedBytes()
  private(set) var pending: [(step: Int, change: Change)] = []

  /// Pages with room on the disk: the first `reservedPages`, and those written behind them.
  private(set) var allocatedPages = 0
  private var reservedPages = 0

  /// Whether a directory names the file now.
  var isLinked = true
  var openHandles = 0

  init() {}

  /// A file that has been at rest.
  init(atRest content: PagedBytes) {
    durable = content
    base = content
    current = content
    countAllocatedPages()
  }
}

// MARK: - Changes

extension FileNode {
  mutating func write(_ bytes: ByteView, at offset: Int, step: Int) {
    guard !bytes.isEmpty else { return }
    allocatedPages += pagesNeeded(at: offset, count: bytes.count)
    pending.append((step, .write(offset: offset, bytes: bytes.array)))
    current.write(bytes, at: offset)
  }

  mutating func resize(to size: Int, step: Int) {
    pending.append((step, .resize(size)))
    // Cutting to the size it has gives back what was reserved beyond, as ext4 and XFS do.
    let cuts = size <= current.count
    current.resize(to: size)
    guard cuts else { return }
    reservedPages = min(reservedPages, PagedBytes.pages(at: 0, count: size).upperBound)
    countAllocatedPages()
  }

  mutating func reserve(_ size: Int) {
    allocatedPages += pagesNeeded(at: 0, count: size)
    reservedPages = max(reservedPages, PagedBytes.pages(at: 0, count: size).upperBound)
  }

  /// How many pages the disk must find for these bytes.
  func pagesNeeded(at offset: Int, count: Int) -> Int {
    PagedBytes.pages(at: offset, count: count).count { page in
      page >= reservedPages && current.isHole(page)
    }
  }

  /// How many of `count` bytes at `offset` can be written into `free` more pages.
  func bytesFitting(in free: Int, at offset: Int, count: Int) -> Int {
    var left = free
    for page in PagedBytes.pages(at: offset, count: count)
    where page >= reservedPages && current.isHole(page) {
      if left == 0 { return max(0, page * PagedBytes.pageBytes - offset) }
      left -= 1
    }
    return count
  }

  private mutating func countAllocatedPages() {
    let pages = PagedBytes.pages(at: 0, count: current.count)
    allocatedPages = reservedPages + pages.count { $0 >= reservedPages && !current.isHole($0) }
  }
}

// MARK: - Syncs and rot

extension FileNode {
  /// Everything pending reaches the disk.
  mutating func sync() {
    durable = image(of: .all)
    settle()
  }

  /// Some of what is pending reaches the disk; the rest is taken for written and never will be.
  /// The cache then goes on showing it (ext4), or shows what the disk holds (btrfs).
  mutating func failSync(_ behaviour: FailedSync, using random: inout SplitMix64) {
    durable = image(of: .pieces(bytes: PagedBytes.pageBytes), using: &random)
    if behaviour == .revertsCache {
      current = durable
      countAllocatedPages()
    }
    settle()
  }

  private mutating func settle() {
    base = current
    pending = []
  }

  /// A file at rest that comes to hold other bytes, as many as before.
  mutating func rot(to bytes: [UInt8]) {
    precondition(pending.isEmpty && bytes.count == current.count)
    bytes.withByteView { durable.write($0, at: 0) }
    (base, current) = (durable, durable)
  }

  /// Bits that turn over on the disk, and so in the cache that is filled from it.
  mutating func flip(mask: UInt8, at offset: Int) {
    if offset < durable.count { durable.flip(mask: mask, at: offset) }
    if offset < base.count { base.flip(mask: mask, at: offset) }
    if offset < current.count { current.flip(mask: mask, at: offset) }
  }
}

/// What a file system does with the cache after a failed sync ("Can Applications Recover from
/// fsync Failures?", ATC 2020).
package enum FailedSync: Sendable, CaseIterable {
  /// The lost bytes stay readable until the page is evicted or the machine restarts: ext4, xfs.
  case keepsCache
  /// Reads return what is on the disk: btrfs.
  case revertsCache
}
