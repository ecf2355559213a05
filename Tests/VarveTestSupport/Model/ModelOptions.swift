package import Varve
import VarveFormat

/// What a modelled store is like.
package struct ModelOptions: Hashable, Sendable {
  /// Of the keyspaces 1, 2 and 3; keyspace 0 is the one that every store has.
  package static let names = ["default", "a", "b", "c"]

  /// Of the disk, and of the store's identities.
  package var seed: Int
  package var policies: [ModelPolicy]
  package var memTableBytes: Int
  package var segmentBytes: Int
  package var firstLogBytes: Int
  package var valueFileBytes: Int
  package var memoryBudget: Int
  /// Bytes a second in the background; nil: as many as there are. Waits by the machine's own clock, so that only
  /// stores with threads are slowed down by it.
  package var writeRate: Int?
  package var readMode: StoreOptions.ReadMode
  package var background: StoreComponents.Background
  package var logsAreReusable: Bool
  /// Nil: everything stays on the machine.
  package var bucket: ModelBucket?

  package init(
    seed: Int = 1, policies: [ModelPolicy] = [ModelPolicy(), ModelPolicy(), ModelPolicy()],
    memTableBytes: Int = 1 << 20, segmentBytes: Int = 256 << 10, firstLogBytes: Int = 16 << 10,
    valueFileBytes: Int = 64 << 20, memoryBudget: Int = 8 << 20, writeRate: Int? = nil,
    readMode: StoreOptions.ReadMode = .mapped,
    background: StoreComponents.Background = .inline, logsAreReusable: Bool = true,
    bucket: ModelBucket? = nil
  ) {
    self.seed = seed
    self.policies = policies
    self.memTableBytes = memTableBytes
    self.segmentBytes = segmentBytes
    self.firstLogBytes = firstLogBytes
    self.valueFileBytes = valueFileBytes
    self.memoryBudget = memoryBudget
    self.writeRate = writeRate
    self.readMode = readMode
    self.background = background
    self.logsAreReusable = logsAreReusable
    self.bucket = bucket
  }

  func policy(of keyspace: Int) -> KeyspacePolicy {
    keyspace == 0 ? .default : policies[keyspace - 1].policy
  }

  var storeOptions: StoreOptions {
    var options = StoreOptions()
    options.memoryBudget = memoryBudget
    options.backgroundWriteRate = writeRate
    options.largestMemTableBytes = memTableBytes
    options.segmentBytes = segmentBytes
    options.firstLogBytes = UInt64(firstLogBytes)
    options.valueFileBytes = UInt64(valueFileBytes)
    options.readMode = readMode
    return options
  }
}

/// What a modelled keyspace is like.
package struct ModelPolicy: Hashable, Sendable {
  package var compression: Compression
  package var blockBytes: Int
  package var largeValueBytes: Int
  package var valueAlignment: Int
  package var filterBits: Int
  package var timeToLive: Int?
  package var valueBytes: Int?

  package init(
    compression: Compression = .automatic, blockBytes: Int = 8 << 10, largeValueBytes: Int = 1024,
    valueAlignment: Int = 8, filterBits: Int = 10, timeToLive: Int? = nil, valueBytes: Int? = nil
  ) {
    self.compression = compression
    self.blockBytes = blockBytes
    self.largeValueBytes = largeValueBytes
    self.valueAlignment = valueAlignment
    self.filterBits = filterBits
    self.timeToLive = timeToLive
    self.valueBytes = valueBytes
  }

  var policy: KeyspacePolicy {
    // Both make the same of it.
    var policy = KeyspacePolicy()
    if valueAlignment == 64, let valueBytes {
      policy = .vectors(of: UInt8.self, dimension: valueBytes)
    }
    policy.compression = compression
    policy.blockBytes = blockBytes
    policy.largeValueBytes = largeValueBytes
    policy.valueAlignment = valueAlignment
    policy.filterBitsPerKey = filterBits
    policy.timeToLiveMilliseconds = timeToLive.map(UInt64.init)
    policy.valueBytes = valueBytes
    return policy
  }
}

/// What a store does with its bucket.
///
/// How much and how long files stay (`localBytes`, `localSeconds`), and how much makes a log (`logBytes`), is looked at
/// by the threads of uploads and logs alone, by the machine's own clock: what they would do then is an operation here
/// (``ModelOperation/evict(keeping:)``, ``ModelOperation/syncRemotely``), at a moment that repeats.
package struct ModelBucket: Hashable, Sendable {
  /// Whether `.remote` writes go there in logs; not where threads put them by the clock.
  package var hasLogs: Bool
  package var diskCacheBytes: Int

  package init(hasLogs: Bool = false, diskCacheBytes: Int = 0) {
    self.hasLogs = hasLogs
    self.diskCacheBytes = diskCacheBytes
  }

  init(using random: inout SeededRandom) {
    self.init(
      hasLogs: random.below(2) == 0, diskCacheBytes: [0, 256 << 10, 4 << 20][random.below(3)])
  }
}

// MARK: - By chance

extension ModelOptions {
  /// - Parameter background: nil for one that repeats: inline, or none.
  package init(
    using random: inout SeededRandom, background: StoreComponents.Background? = nil
  ) {
    self.init(
      seed: random.below(1_000_000),
      policies: (0..<3).map { _ in ModelPolicy(using: &random) },
      memTableBytes: [64 << 10, 192 << 10, 1 << 20][random.below(3)],
      segmentBytes: [64 << 10, 256 << 10][random.below(2)],
      firstLogBytes: [4 << 10, 16 << 10, 1 << 20][random.below(3)],
      valueFileBytes: [4 << 10, 32 << 10, 64 << 20][random.below(3)],
      memoryBudget: [8 << 20, 12 << 20, 64 << 20][random.below(3)],
      writeRate: [nil, nil, 1 << 20, 16 << 20][random.below(4)],
      readMode: random.below(2) == 0 ? .mapped : .buffered,
      background: background ?? (random.below(4) == 0 ? .none : .inline),
      logsAreReusable: random.below(2) == 0,
      bucket: random.below(3) == 0 ? ModelBucket(using: &random) : nil)
  }

  /// The same with one thing plainer, for each thing that is not plain.
  package var simpler: [ModelOptions] {
    let plain = ModelOptions()
    var found: [ModelOptions] = []
    func offer(_ change: (inout ModelOptions) -> Void) {
      var other = self
      change(&other)
      if other != self { found.append(other) }
    }
    offer { $0.policies = plain.policies }
    offer { $0.memTableBytes = plain.memTableBytes }
    offer { $0.segmentBytes = plain.segmentBytes }
    offer { $0.firstLogBytes = plain.firstLogBytes }
    offer { $0.valueFileBytes = plain.valueFileBytes }
    offer { $0.memoryBudget = plain.memoryBudget }
    offer { $0.writeRate = plain.writeRate }
    offer { $0.readMode = plain.readMode }
    offer { $0.background = plain.background }
    offer { $0.logsAreReusable = plain.logsAreReusable }
    offer { $0.bucket = nil }
    offer { $0.bucket = $0.bucket.map { _ in ModelBucket() } }
    offer { $0.seed = plain.seed }
    for index in policies.indices { offer { $0.policies[index] = ModelPolicy() } }
    return found
  }
}

extension ModelPolicy {
  init(using random: inout SeededRandom) {
    self.init(
      compression: [.automatic, .none, .lz4, .zstd(level: 1), .zstd(level: 3)][random.below(5)],
      blockBytes: [4 << 10, 8 << 10, 32 << 10][random.below(3)],
      largeValueBytes: [64, 200, 1024, 1 << 20][random.below(4)],
      valueAlignment: [8, 8, 16, 64][random.below(4)],
      filterBits: [0, 4, 10][random.below(3)],
      timeToLive: random.below(3) == 0 ? 100 * (1 + random.below(30)) : nil,
      valueBytes: random.below(8) == 0 ? [40, 256][random.below(2)] : nil)
  }
}
