/// A directory as a power cut would meet it: durable entries, and changes no sync has made durable.
struct DirectoryNode {
  /// A change of entries; `node` is the number of a file or directory.
  enum Change {
    case link(String, node: Int)
    case unlink(String)
    case rename(String, to: String, node: Int)
  }

  /// Which pending changes a crash leaves on the disk. Those that stay apply in their order.
  enum Survival {
    case none
    case all
    case through(step: Int)
    /// Each by the toss of a coin.
    case some
    /// Removals overtake creations and renames.
    case unlinksOnly
    /// Renames overtake creations and removals.
    case renamesOnly
  }

  private(set) var durable: [String: Int] = [:]
  private(set) var current: [String: Int] = [:]
  private(set) var pending: [(step: Int, change: Change)] = []

  init() {}

  /// A directory that has been at rest.
  init(atRest entries: [String: Int]) {
    durable = entries
    current = entries
  }

  mutating func change(_ change: Change, step: Int) {
    pending.append((step, change))
    Self.apply(change, to: &current)
  }

  /// Makes `name` mean `node` for certain, whatever happened before.
  mutating func place(_ name: String, _ node: Int) {
    durable[name] = node
    current[name] = node
  }

  mutating func sync() {
    durable = image(of: .all)
    pending = []
  }

  /// Some of the changes reach the disk; the rest is taken for written and never will be.
  mutating func failSync(using random: inout SplitMix64) {
    durable = image(of: .some, using: &random)
    pending = []
  }

  func image(of survival: Survival) -> [String: Int] {
    var unused = SplitMix64(seed: 0)
    return image(of: survival, using: &unused)
  }

  /// The entries the disk could hold after a crash.
  func image(of survival: Survival, using random: inout SplitMix64) -> [String: Int] {
    var entries = durable
    for (step, change) in pending {
      let survives =
        switch (survival, change) {
        case (.none, _): false
        case (.all, _): true
        case (.through(let last), _): step <= last
        case (.some, _): random.oneIn(2)
        case (.unlinksOnly, .unlink): true
        case (.unlinksOnly, _): false
        case (.renamesOnly, .rename): true
        case (.renamesOnly, _): false
        }
      if survives { Self.apply(change, to: &entries) }
    }
    return entries
  }

  private static func apply(_ change: Change, to entries: inout [String: Int]) {
    switch change {
    case .link(let name, let node): entries[name] = node
    case .unlink(let name): entries[name] = nil
    case .rename(let name, let newName, let node):
      if entries[name] == node { entries[name] = nil }
      entries[newName] = node
    }
  }

  /// Every node that an entry names, named, or may name after a crash.
  var reachable: Set<Int> {
    var nodes = Set(durable.values).union(current.values)
    for (_, change) in pending {
      switch change {
      case .link(_, let node), .rename(_, _, let node): nodes.insert(node)
      case .unlink: break
      }
    }
    return nodes
  }
}
