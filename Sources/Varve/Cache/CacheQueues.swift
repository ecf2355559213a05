/// What a cache holds, and what of it goes when room is needed. Not shared: see `BlockCache`, `SlotCache`.
///
/// ```
///   new ---> small queue (a tenth) ---> read again while there? --yes--> main queue ---> read since?
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
struct CacheQueues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private enum Queue { case small, main }

  private struct Node: Sendable {
    var key: Key
    var value: Value?
    var cost: Int
    var queue: Queue
    /// Reads since it was queued, at most three.
    var reads = 0
    var newer = none
    var older = none
  }

  /// The ends of one queue and the cost of what is in it.
  private struct Ends: Sendable {
    var newest = none
    var oldest = none
    var cost = 0
  }

  private static var none: Int { -1 }

  /// What all may cost together: bytes, or how many there may be.
  let capacity: Int
  /// Reads in the small queue that lead to the main one.
  private let provingReads: Int
  private var table: [Key: Int] = [:]
  private var nodes: [Node] = []
  private var free: [Int] = []
  private var small = Ends()
  private var main = Ends()
  private var ghosts = GhostQueue<Key>()

  /// - Parameter provingReads: two, where a second reader often comes right behind the first.
  init(capacity: Int, provingReads: Int = 2) {
    self.capacity = capacity
    self.provingReads = provingReads
  }

  var count: Int { table.count }
  var cost: Int { small.cost + main.cost }
}

// MARK: - Reading and inserting

extension CacheQueues {
  mutating func value(for key: Key) -> Value? {
    guard let index = table[key] else { return nil }
    nodes[index].reads = min(3, nodes[index].reads + 1)
    return nodes[index].value
  }

  /// The same for one who does not read it.
  func peek(_ key: Key) -> Value? { table[key].flatMap { nodes[$0].value } }

  /// Takes in a value that was not here, and returns those that had to go. One that would fill more
  /// than half of the room is not kept at all.
  ///
  /// - Parameter isProven: whether it was read again before.
  mutating func insert(
    _ value: Value, cost: Int, for key: Key, isProven: Bool = false
  ) -> [Value] {
    guard cost <= capacity / 2, table[key] == nil else { return [] }
    var evicted: [Value] = []
    while self.cost > capacity - cost {
      if let value = evictOne() { evicted.append(value) }
    }
    let queue: Queue = ghosts.remove(key) || isProven ? .main : .small
    let index = node(Node(key: key, value: value, cost: cost, queue: queue))
    table[key] = index
    push(index)
    return evicted
  }

  /// Lets the one go that is needed least; nil where there is none.
  mutating func evict() -> Value? {
    while count > 0 {
      if let value = evictOne() { return value }
    }
    return nil
  }

  mutating func remove(_ key: Key) -> Value? {
    guard let index = table[key] else { return nil }
    unlink(index)
    return discard(index)
  }

  mutating func removeAll(where isGone: (Key) -> Bool) -> [Value] {
    table.keys.filter(isGone).compactMap { remove($0) }
  }
}

// MARK: - Evicting

extension CacheQueues {
  /// Takes one step: lets one go, or moves one on and returns nil.
  private mutating func evictOne() -> Value? {
    let useSmall = main.oldest == Self.none || small.cost > capacity / 10
    return useSmall && small.oldest != Self.none ? evictFromSmall() : evictFromMain()
  }

  private mutating func evictFromSmall() -> Value? {
    let index = small.oldest
    unlink(index)
    if nodes[index].reads >= provingReads {
      nodes[index].queue = .main
      nodes[index].reads = 0
      push(index)
      return nil
    }
    ghosts.insert(nodes[index].key, keeping: table.count)
    return discard(index)
  }

  private mutating func evictFromMain() -> Value? {
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

extension CacheQueues {
  private mutating func node(_ node: Node) -> Int {
    guard let index = free.popLast() else {
      nodes.append(node)
      return nodes.count - 1
    }
    nodes[index] = node
    return index
  }

  /// Frees an unlinked node and gives its value out.
  private mutating func discard(_ index: Int) -> Value? {
    table[nodes[index].key] = nil
    free.append(index)
    defer { nodes[index].value = nil }
    return nodes[index].value
  }

  /// Links a node in as the newest of its queue.
  private mutating func push(_ index: Int) {
    let queue = nodes[index].queue
    var ends = queue == .small ? small : main
    nodes[index].older = ends.newest
    nodes[index].newer = Self.none
    if ends.newest == Self.none { ends.oldest = index } else { nodes[ends.newest].newer = index }
    ends.newest = index
    ends.cost += nodes[index].cost
    if queue == .small { small = ends } else { main = ends }
  }

  private mutating func unlink(_ index: Int) {
    let (queue, newer, older) = (nodes[index].queue, nodes[index].newer, nodes[index].older)
    var ends = queue == .small ? small : main
    if newer == Self.none { ends.newest = older } else { nodes[newer].older = older }
    if older == Self.none { ends.oldest = newer } else { nodes[older].newer = newer }
    ends.cost -= nodes[index].cost
    if queue == .small { small = ends } else { main = ends }
  }
}

/// Keys of what went from the small queue lately, oldest forgotten first.
private struct GhostQueue<Key: Hashable & Sendable>: Sendable {
  private var known: Set<Key> = []
  private var order: [Key] = []
  private var start = 0

  /// Notes a key, and forgets the oldest so that at most `limit` and a few are known.
  mutating func insert(_ key: Key, keeping limit: Int) {
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
  mutating func remove(_ key: Key) -> Bool {
    known.remove(key) != nil
  }
}
