import VarveFormat
import VarvePlatform

/// Where a cached block comes from: the number of its file, never used twice in a store, and its place there:
/// of a block of a segment its number, of a value or a slot its offset.
struct BlockKey: Hashable, Sendable {
  var file: UInt64
  var place: UInt64
}

/// A block's verified, uncompressed bytes, aligned to 64, shared by the cache and its readers.
///
/// A reader that holds one may use it for as long as it likes: eviction only drops the cache's
/// own reference.
final class CachedBlock: Sendable {
  let buffer: AlignedBuffer
  let count: Int

  /// Takes `buffer`, whose first `count` bytes are final.
  init(_ buffer: AlignedBuffer, count: Int) {
    precondition(count <= buffer.capacity)
    self.buffer = buffer
    self.count = count
  }

  /// Holds while this block lives.
  var bytes: ByteView { buffer.view(count: count) }
}

/// Blocks in memory, up to an exact number of bytes.
///
/// ```
///   key ---hash---> shard: lock { table, small queue, main queue, ghosts }     (CacheShard.swift)
///                     |
///                     +-- found: hand it out
///                     +-- someone loads it already: wait for that one read
///                     +-- nobody does: load, verify, insert, evict
/// ```
///
/// Uncompressed blocks of mapped files never come here; they are read in place. What is cached is
/// what had to be decompressed or read by `pread`.
///
/// Threads meet only in a shard, for the time of a table lookup. Loading happens outside the lock.
final class BlockCache: Sendable {
  /// What the cache did so far and holds now.
  struct Metrics: Sendable, Equatable {
    var hits: UInt64 = 0
    var misses: UInt64 = 0
    /// Misses that waited for another thread's read of the same block instead of reading.
    var joined: UInt64 = 0
    var evictions: UInt64 = 0
    var blocks = 0
    /// Bytes held, bookkeeping included; never above the budget.
    var bytes = 0
  }

  private static let mostShards = 64
  /// A shard smaller than this would hold too few blocks to choose among.
  private static let leastShardBytes = 1 << 20

  let budget: Int
  private let shards: [Shard]

  /// A cache of at most `budget` bytes; zero makes one that never keeps anything.
  init(budget: Int) {
    self.budget = max(0, budget)
    let wanted = min(Self.mostShards, max(1, self.budget / Self.leastShardBytes))
    // A power of two, so that a shard is found by a mask.
    let count = 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
    let share = self.budget / count
    shards = (0..<count).map { _ in Shard(capacity: share) }
  }

  /// The block of `key`, from the cache or from `load`, which is called at most once at a time for
  /// each key and must verify what it returns.
  ///
  /// When a load fails, its error goes to the thread that ran it; others try for themselves.
  func block(
    for key: BlockKey, load: () throws(StoreError) -> CachedBlock
  ) throws(StoreError) -> CachedBlock {
    let shard = shards[index(of: key)]
    while true {
      switch shard.state.withLock({ $0.begin(key) }) {
      case .hit(let block): return block
      case .lead(let flight): return try shard.lead(flight, key, load)
      case .follow(let flight):
        // It may come from far away.
        guard Waiting.isAllowed else { throw StoreError(.waits, "another thread reads the block") }
        if let block = flight.wait() { return block }
      }
    }
  }

  /// The block of `key` where it is cached. Who asks so reads past the cache where it is not: no miss.
  func cachedBlock(for key: BlockKey) -> CachedBlock? {
    shards[index(of: key)].state.withLock { $0.lookUp(key) }
  }

  /// Drops every block of a file that is gone.
  func forget(file: UInt64) { forget(files: [file]) }

  /// Forgets the blocks of all these files in one walk.
  func forget(files: Set<UInt64>) {
    for shard in shards {
      // The blocks are freed after unlocking, when this array goes.
      _ = shard.state.withLock { $0.blocks.removeAll(of: files) }
    }
  }

  var metrics: Metrics {
    shards.reduce(into: Metrics()) { sum, shard in
      shard.state.withLock { $0.add(to: &sum) }
    }
  }

  private func index(of key: BlockKey) -> Int {
    // Places and files count up, some places by eights: a multiplication spreads both over the top bits.
    let mixed = (key.place &+ key.file &* 0x9e37_79b9_7f4a_7c15) &* 0xff51_afd7_ed55_8ccd
    return Int(truncatingIfNeeded: mixed >> 40) & (shards.count - 1)
  }
}

// MARK: - Shards

/// One part of the cache, with a lock of its own.
private final class Shard: Sendable {
  struct State: Sendable {
    var blocks: CacheShard
    var flights: [BlockKey: Flight] = [:]
    var metrics = BlockCache.Metrics()
  }

  enum Turn {
    case hit(CachedBlock)
    case lead(Flight)
    case follow(Flight)
  }

  let state: Monitor<State>

  init(capacity: Int) {
    state = Monitor(State(blocks: CacheShard(capacity: capacity)))
  }

  /// Loads the block for everyone who waits for it.
  func lead(
    _ flight: Flight, _ key: BlockKey, _ load: () throws(StoreError) -> CachedBlock
  ) throws(StoreError) -> CachedBlock {
    do {
      let block = try load()
      let evicted = state.withLock { $0.land(key, block) }
      flight.land(block)
      // Freed here, after unlocking.
      _ = consume evicted
      return block
    } catch {
      state.withLock { $0.flights[key] = nil }
      flight.land(nil)
      throw error
    }
  }
}

extension Shard.State {
  mutating func lookUp(_ key: BlockKey) -> CachedBlock? {
    let block = blocks.block(for: key)
    if block != nil { metrics.hits += 1 }
    return block
  }

  fileprivate mutating func begin(_ key: BlockKey) -> Shard.Turn {
    if let block = lookUp(key) { return .hit(block) }
    metrics.misses += 1
    if let flight = flights[key] {
      metrics.joined += 1
      return .follow(flight)
    }
    let flight = Flight()
    flights[key] = flight
    return .lead(flight)
  }

  /// Takes in a loaded block; returns what had to go.
  mutating func land(_ key: BlockKey, _ block: CachedBlock) -> [CachedBlock] {
    flights[key] = nil
    let evicted = blocks.insert(block, for: key)
    metrics.evictions += UInt64(evicted.count)
    return evicted
  }

  func add(to sum: inout BlockCache.Metrics) {
    sum.hits += metrics.hits
    sum.misses += metrics.misses
    sum.joined += metrics.joined
    sum.evictions += metrics.evictions
    sum.blocks += blocks.count
    sum.bytes += blocks.bytes
  }
}

/// A read on its way, for all who want its block.
private final class Flight: Sendable {
  private enum State: Sendable {
    case flying
    case landed(CachedBlock?)
  }

  private let state = Monitor(State.flying)

  /// Nil when the leader failed.
  func wait() -> CachedBlock? {
    state.withLock { state in
      if case .landed = state { true } else { false }
    } _: { state in
      if case .landed(let block) = state { block } else { nil }
    }
  }

  func land(_ block: CachedBlock?) {
    state.withLock { $0 = .landed(block) }
    state.broadcast()
  }
}
