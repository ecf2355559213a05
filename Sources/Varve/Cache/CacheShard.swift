import VarvePlatform

/// The blocks of one shard, and which of them go when room is needed. Not shared: see `BlockCache`.
///
/// ```
///   new ---> small queue (a tenth) ---> read twice while there? --yes--> main queue ---> read since?
///              ^                              | no                          ^             |yes  |no
///              |                              v                             +-------------+     v
///        known ghost? --no             ghosts (keys only)                 (one chance per read)  out
///              |yes
///              +--> main queue
/// ```
///
/// This is S3-FIFO (Yang et al., SOSP 2023). A scan passes through the small queue and never moves
/// the main queue's blocks, where LRU and CLOCK would give them all up; a hit only counts up to
/// three, where LRU would relink; and a block that was wanted again soon after it went is told by
/// its ghost. Queues are linked through node numbers, so removing from the middle is cheap.
struct CacheShard: Sendable {
  /// What bookkeeping takes for each block: node, table entry, ghost, buffer object.
  static let overheadBytes = 256

  private enum Queue { case small, main }

  private struct Node: Sendable {
    var key: BlockKey
    var block: CachedBlock?
    var queue: Queue
    /// Reads since it was queued, at most three.
    var reads = 0
    var newer = CacheShard.none
    var older = CacheShard.none
  }

  /// The ends of one queue and the bytes of its blocks.
  private struct Ends: Sendable {
    var newest = CacheShard.none
    var oldest = CacheShard.none
    var bytes = 0
  }

  private static let none = -1

  let capacity: Int
  private var table: [BlockKey: Int] = [:]
  private var nodes: [Node] = []
  private var free: [Int] = []
  private var small = Ends()
  private var main = Ends()
  private var ghosts = GhostQueue()

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { table.count }
  var bytes: Int { small.bytes + main.bytes }

  static func cost(of block: CachedBlock) -> Int { block.buffer.capacity + overheadBytes }
}

// MARK: - Reading and inserting

extension CacheShard {
  mutating func block(for key: BlockKey) -> CachedBlock? {
    guard let index = table[key] else { return nil }
    nodes[index].reads = min(3, nodes[index].reads + 1)
    return nodes[index].block
  }

  /// Takes in a block that was not here, and returns those that had to go. One that would fill more
  /// than half of the shard is not kept at all.
  mutating func insert(_ block: CachedBlock, for key: BlockKey) -> [CachedBlock] {
    let cost = Self.cost(of: block)
    guard cost <= capacity / 2, table[key] == nil else { return [] }
    var evicted: [CachedBlock] = []
    while bytes > capacity - cost {
      if let block = evictOne() { evicted.append(block) }
    }
    let queue: Queue = ghosts.remove(key) ? .main : .small
    let index = node(Node(key: key, block: block, queue: queue))
    table[key] = index
    push(index)
    return evicted
  }

  /// Removes every block of one file.
  mutating func removeAll(of file: UInt64) -> [CachedBlock] {
    table.filter { $0.key.file == file }.compactMap { _, index in
      unlink(index)
      return discard(index)
    }
  }
}

// MARK: - Evicting

extension CacheShard {
  /// Takes one step: frees a block, or moves one on and returns nil.
  private mutating func evictOne() -> CachedBlock? {
    let useSmall = main.oldest == Self.none || small.bytes > capacity / 10
    return useSmall && small.oldest != Self.none ? evictFromSmall() : evictFromMain()
  }

  private mutating func evictFromSmall() -> CachedBlock? {
    let index = small.oldest
    unlink(index)
    if nodes[index].reads >= 2 {
      nodes[index].queue = .main
      nodes[index].reads = 0
      push(index)
      return nil
    }
    ghosts.insert(nodes[index].key, keeping: table.count)
    return discard(index)
  }

  private mutating func evictFromMain() -> CachedBlock? {
    let index = main.oldest
    unlink(index)
    if nodes[index].reads > 0 {
      nodes[index].reads -= 1
      push(index)
      return nil
    }
    return discard(index)
  }
}

// MARK: - Nodes and queues

extension CacheShard {
  private mutating func node(_ node: Node) -> Int {
    guard let index = free.popLast() else {
      nodes.append(node)
      return nodes.count - 1
    }
    nodes[index] = node
    return index
  }

  /// Frees an unlinked node and gives its block out.
  private mutating func discard(_ index: Int) -> CachedBlock? {
    table[nodes[index].key] = nil
    free.append(index)
    defer { nodes[index].block = nil }
    return nodes[index].block
  }

  private func cost(at index: Int) -> Int {
    nodes[index].block.map(Self.cost(of:)) ?? 0
  }

  /// Links a node in as the newest of its queue.
  private mutating func push(_ index: Int) {
    let queue = nodes[index].queue
    var ends = queue == .small ? small : main
    nodes[index].older = ends.newest
    nodes[index].newer = Self.none
    if ends.newest == Self.none { ends.oldest = index } else { nodes[ends.newest].newer = index }
    ends.newest = index
    ends.bytes += cost(at: index)
    if queue == .small { small = ends } else { main = ends }
  }

  private mutating func unlink(_ index: Int) {
    let (queue, newer, older) = (nodes[index].queue, nodes[index].newer, nodes[index].older)
    var ends = queue == .small ? small : main
    if newer == Self.none { ends.newest = older } else { nodes[newer].older = older }
    if older == Self.none { ends.oldest = newer } else { nodes[older].newer = newer }
    ends.bytes -= cost(at: index)
    if queue == .small { small = ends } else { main = ends }
  }
}

/// Keys of blocks that went from the small queue lately, oldest forgotten first.
private struct GhostQueue: Sendable {
  private var known: Set<BlockKey> = []
  private var order: [BlockKey] = []
  private var start = 0

  /// Notes a key, and forgets the oldest so that at most `limit` and a few are known.
  mutating func insert(_ key: BlockKey, keeping limit: Int) {
    known.insert(key)
    order.append(key)
    while order.count - start > max(limit, 16) {
      known.remove(order[start])
      start += 1
    }
    if start > order.count / 2 {
      order.removeFirst(start)
      start = 0
    }
  }

  /// True when the key was known. Its place in the order stays, and is passed over later.
  mutating func remove(_ key: BlockKey) -> Bool {
    known.remove(key) != nil
  }
}
