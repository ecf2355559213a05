import Synchronization
import Testing
import VarveFormat
import VarvePlatform
import VarveTestSupport

@testable import Varve

@Suite("Block cache")
struct BlockCacheTests {
  @Test("A block is loaded once and then found")
  func hit() throws {
    let cache = BlockCache(budget: 1 << 20)
    let key = BlockKey(file: 3, place: 64)
    let first = try cache.block(for: key) { block(of: key, 1000) }
    let again = try cache.block(for: key) { () throws(StoreError) in
      throw StoreError(.inputOutput, "loaded twice")
    }
    #expect(first === again)
    #expect(cache.cachedBlock(for: key) === first)
    #expect(cache.cachedBlock(for: BlockKey(file: 3, place: 72)) == nil)
    #expect(cache.metrics.hits == 2 && cache.metrics.misses == 1)
    #expect(cache.metrics.blocks == 1)
    #expect(cache.metrics.bytes == 1000 + CacheShard.overheadBytes)
  }

  @Test("The budget holds to the byte, for any sizes", arguments: [0, 10_000, 1 << 20, 9 << 20])
  func budget(_ budget: Int) throws {
    var random = SeededRandom(seed: 0x5eed_1201)
    let cache = BlockCache(budget: budget)
    var largest = 0
    for _ in 0..<5000 {
      let key = BlockKey(file: random.next() % 9, place: random.next() % 300 * 8)
      let count = Int(random.next() % 30_000)
      _ = try cache.block(for: key) { block(of: key, count) }
      largest = max(largest, cache.metrics.bytes)
    }
    #expect(largest <= budget, "seed \(random.seed)")
    // And it is used: evicting much more than needed would hold the bound, too.
    if budget >= 1 << 20 { #expect(largest > budget * 9 / 10) }
  }

  @Test("A long scan leaves the blocks that are read again and again")
  func scanResistance() throws {
    let cache = BlockCache(budget: 1 << 20)
    func read(_ file: UInt64, _ number: Int) throws {
      let key = BlockKey(file: file, place: UInt64(number) * 4096)
      _ = try cache.block(for: key) { block(of: key, 4096) }
    }
    // 40 hot blocks, three times, with a few others between.
    for round in 0..<3 {
      for number in 0..<40 { try read(1, number) }
      for number in 0..<20 { try read(2, round * 20 + number) }
    }
    for number in 0..<5000 { try read(3, number) }
    let before = cache.metrics.hits
    for number in 0..<40 { try read(1, number) }
    #expect(cache.metrics.hits - before >= 38)
  }

  @Test("A block that is wanted again soon after it went stays longer")
  func ghosts() {
    var shard = CacheShard(capacity: 20 * (1000 + CacheShard.overheadBytes))
    func insert(_ number: Int) {
      let key = BlockKey(file: 1, place: UInt64(number))
      if shard.block(for: key) == nil { _ = shard.insert(block(of: key, 1000), for: key) }
    }
    for number in 0..<30 { insert(number) }
    #expect(shard.block(for: BlockKey(file: 1, place: 5)) == nil)
    insert(5)
    for number in 100..<200 { insert(number) }
    #expect(shard.block(for: BlockKey(file: 1, place: 5)) != nil)
  }

  @Test("Blocks of a forgotten file go, those of others stay")
  func forget() throws {
    let cache = BlockCache(budget: 8 << 20)
    for number in 0..<100 {
      let key = BlockKey(file: UInt64(number % 2), place: UInt64(number))
      _ = try cache.block(for: key) { block(of: key, 500) }
    }
    cache.forget(file: 0)
    #expect(cache.metrics.blocks == 50)
    #expect(cache.metrics.bytes == 50 * (500 + CacheShard.overheadBytes))
    #expect(cache.cachedBlock(for: BlockKey(file: 0, place: 4)) == nil)
    #expect(cache.cachedBlock(for: BlockKey(file: 1, place: 5)) != nil)
  }

  @Test("Evicted and forgotten blocks are freed once no reader holds them")
  func freeing() {
    var shard = CacheShard(capacity: 10_000)
    weak var held: CachedBlock?
    do {
      let key = BlockKey(file: 1, place: 0)
      let first = block(of: key, 1000)
      held = first
      _ = shard.insert(first, for: key)
    }
    #expect(held != nil)
    _ = shard.removeAll(of: [1])
    #expect(held == nil)
  }

  @Test("A failed load is the caller's error, and the next caller loads afresh")
  func failure() throws {
    let cache = BlockCache(budget: 1 << 20)
    let key = BlockKey(file: 1, place: 8)
    #expect(throws: StoreError.self) {
      _ = try cache.block(for: key) { () throws(StoreError) in
        throw StoreError(.corrupted, "damaged")
      }
    }
    #expect(try cache.block(for: key) { block(of: key, 10) }.count == 10)
  }

  @Test("Threads that miss the same block wait for one load")
  func singleFlight() throws {
    let cache = BlockCache(budget: 4 << 20)
    let key = BlockKey(file: 1, place: 8)
    let loads = Atomic(0)
    let workers = try (0..<4).map { index in
      try WorkerThread(name: "reader \(index)") {
        let found = try? cache.block(for: key) {
          // Whoever loads waits for the three others to come, or to load as well.
          loads.add(1, ordering: .sequentiallyConsistent)
          while cache.metrics.joined < 3, loads.load(ordering: .sequentiallyConsistent) == 1 {}
          return block(of: key, 100)
        }
        if found?.bytes.uint64(at: 0) != key.place { Issue.record("a thread got another block") }
      }
    }
    for worker in workers { worker.join() }
    #expect(loads.load(ordering: .relaxed) == 1)
    #expect(cache.metrics.joined == 3 && cache.metrics.blocks == 1)
  }

  @Test("Threads that read, evict and forget see only right blocks, within the budget")
  func threads() throws {
    let budget = 2 << 20
    let cache = BlockCache(budget: budget)
    let workers = try (0..<4).map { index in
      try WorkerThread(name: "reader \(index)") {
        var random = SeededRandom(seed: 0x5eed_1202 + UInt64(index))
        for round in 0..<3000 {
          let key = BlockKey(file: random.next() % 4, place: random.next() % 400)
          let found = try? cache.block(for: key) { block(of: key, 4096) }
          if found?.bytes.uint64(at: 0) != key.place || found?.bytes.uint64(at: 8) != key.file {
            Issue.record("wrong block in round \(round) of seed \(random.seed)")
          }
          if round % 500 == 499 { cache.forget(file: random.next() % 4) }
          if round % 100 == 0, cache.metrics.bytes > budget { Issue.record("above budget") }
        }
      }
    }
    for worker in workers { worker.join() }
    #expect(cache.metrics.bytes <= budget)
  }
}

/// A block that tells which key it belongs to.
private func block(of key: BlockKey, _ count: Int) -> CachedBlock {
  let buffer = AlignedBuffer(capacity: count)
  var writer = ByteWriter()
  writer.uint64(key.place)
  writer.uint64(key.file)
  if count >= 16 { writer.bytes.withByteView { buffer.copy($0) } }
  return CachedBlock(buffer, count: count)
}
