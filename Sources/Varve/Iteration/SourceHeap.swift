import VarveFormat

/// Several sources, each on its nearest entry ahead; a binary heap knows which of those comes first.
///
/// ```
/// sources   memtable      segment       level 1
/// heads     (b,9)         (a,7)         (a,3)       what each stands on, with the key's prefix
/// heap      [segment, level 1, memtable]            indices of sources, the first one on top
/// ```
///
/// A step moves only the source on top and sinks it again: two comparisons where it stays on top,
/// which is the common case because deeper levels hold most entries. Going the other way all other
/// sources step across the place of the current entry, once for each turn.
///
/// An error leaves the sources anywhere: only a seek may follow.
struct SourceHeap<Source: EntryCursor> {
  private var sources: [Source]
  /// What each source stands on.
  private var heads: [Head]
  /// The sources that stand on an entry.
  private var heap: [Int] = []
  private var direction = Direction.forward

  enum Direction {
    case forward, backward
  }

  init(_ sources: [Source]) {
    self.sources = sources
    heads = [Head](repeating: Head(nil), count: sources.count)
  }

  mutating func add(_ source: Source) {
    sources.append(source)
    heads.append(Head(nil))
  }

  /// The entry on top.
  var entry: EntryView? { heap.first.flatMap { heads[$0].entry } }

  /// What the source on top says of an entry out of order.
  var disorder: StoreError? { heap.first.map { sources[$0].disorder } }
}

/// An entry lent by a source, with the first bytes of its key at hand.
private struct Head {
  let entry: EntryView?
  let prefix: KeyPrefix

  @inline(__always)
  init(_ entry: EntryView?) {
    self.entry = entry
    prefix = KeyPrefix(entry?.key ?? .empty)
  }

  /// The order of two heads that stand on entries.
  @inline(__always)
  func compare(_ other: Head) -> Int {
    let order = prefix.compare(other.prefix)
    if order != 0 { return order }
    guard let left = entry, let right = other.entry else { return 0 }
    let rest = KeyPrefix.compareRest(left.key, right.key)
    if rest != 0 { return rest }
    return left.sequence == right.sequence ? 0 : left.sequence > right.sequence ? -1 : 1
  }
}

// MARK: - Moving

extension SourceHeap {
  /// Moves each source by `move` to its nearest entry ahead in `direction`.
  mutating func seek(
    _ direction: Direction, _ move: (inout Source) throws(StoreError) -> Void
  ) throws(StoreError) {
    self.direction = direction
    for index in sources.indices {
      try move(&sources[index])
      heads[index] = Head(sources[index].entry)
    }
    buildHeap()
  }

  /// Takes one step from the entry on top, which there is.
  mutating func step(_ direction: Direction) throws(StoreError) {
    if direction != self.direction { return try turn(to: direction) }
    switch direction {
    case .forward: try sources[heap[0]].next()
    case .backward: try sources[heap[0]].previous()
    }
    sinkTop()
  }

  /// Takes one step in a direction in which the sources do not stand yet.
  private mutating func turn(to direction: Direction) throws(StoreError) {
    let top = heap[0]
    let place = heads[top]
    for index in sources.indices where index != top {
      try cross(place, direction, index)
      heads[index] = Head(sources[index].entry)
    }
    // Last, because the key of `place` is lent by this very source.
    switch direction {
    case .forward: try sources[top].next()
    case .backward: try sources[top].previous()
    }
    heads[top] = Head(sources[top].entry)
    self.direction = direction
    buildHeap()
  }

  /// Moves a source that stands on one side of `place` to its nearest entry on the other side.
  ///
  /// One step does it, unless entries were added between: then it seeks.
  private mutating func cross(
    _ place: Head, _ direction: Direction, _ index: Int
  ) throws(StoreError) {
    // Without an entry the source has none on its side, so all it has lie on the other.
    let isExhausted = heads[index].entry == nil
    switch direction {
    case .forward:
      if isExhausted { try sources[index].seekToFirst() } else { try sources[index].next() }
    case .backward:
      if isExhausted { try sources[index].seekToLast() } else { try sources[index].previous() }
    }
    guard let reached = sources[index].entry, let standing = place.entry else { return }
    let order = reached.compare(key: standing.key, sequence: standing.sequence)
    switch direction {
    case .forward where order <= 0:
      try sources[index].seek(standing.key, standing.sequence)
    case .backward where order >= 0:
      try sources[index].seek(before: standing.key, standing.sequence)
    default: break
    }
  }
}

// MARK: - Walking in a block

extension SourceHeap {
  /// In the source on top, which there is, up to where another source's entry comes next.
  mutating func begin(_ run: inout BlockRun, _ terms: RunTerms) {
    var terms = terms
    terms.neighbour = second.flatMap { heads[$0].entry?.key }
    sources[heap[0]].begin(&run, terms)
  }

  /// The source that comes after the one on top.
  private var second: Int? {
    guard heap.count > 2 else { return heap.last == heap[0] ? nil : heap.last }
    return comesFirst(heap[1], heap[2]) ? heap[1] : heap[2]
  }

  mutating func moveInBlock(to index: Int) throws(StoreError) {
    let top = heap[0]
    try sources[top].moveInBlock(to: index)
    // It is still the first: the run's bound lies beyond.
    heads[top] = Head(sources[top].entry)
  }
}

// MARK: - The heap

extension SourceHeap {
  private mutating func buildHeap() {
    heap.removeAll(keepingCapacity: true)
    for index in sources.indices where heads[index].entry != nil { heap.append(index) }
    var position = heap.count / 2
    while position > 0 {
      position &-= 1
      sink(position)
    }
  }

  /// Finds the new top after the source on top has moved.
  @inline(__always)
  private mutating func sinkTop() {
    let top = heap[0]
    heads[top] = Head(sources[top].entry)
    if heads[top].entry == nil {
      let last = heap.removeLast()
      if heap.isEmpty { return }
      heap[0] = last
    }
    sink(0)
  }

  private mutating func sink(_ start: Int) {
    let sinking = heap[start]
    var position = start
    while true {
      var child = 2 &* position &+ 1
      guard child < heap.count else { break }
      if child &+ 1 < heap.count, comesFirst(heap[child &+ 1], heap[child]) { child &+= 1 }
      guard comesFirst(heap[child], sinking) else { break }
      heap[position] = heap[child]
      position = child
    }
    heap[position] = sinking
  }

  @inline(__always)
  private func comesFirst(_ left: Int, _ right: Int) -> Bool {
    var order = heads[left].compare(heads[right])
    // Only in forged files two sources hold one version: they show the same one both ways.
    if order == 0 { order = left &- right }
    return direction == .forward ? order < 0 : order > 0
  }
}
