import VarveFormat

/// Decides block by block which codec to use, from what earlier blocks of the same stream gained.
///
/// ```
///                     plan                       learn                    settle
///   block of n bytes ------> sample both codecs ------> codec for it ---------------> stored form
///                       \--> use what history says ---------------------------------> or raw
///                        \-> store it
/// ```
///
/// Pure: the same blocks in the same order give the same decisions, so equal input makes
/// byte-identical segments (with the same library versions). One chooser serves one stream whose
/// blocks resemble each other: a segment being written, or one keyspace's values.
///
/// Sampling costs a second compression, so it grows rare while samples confirm what history says
/// (every 2nd block, 4th, ... 32nd) and frequent at once when they do not.
struct CodecChooser: Sendable, Equatable {
  /// What to do with the next block.
  enum Plan: Equatable {
    case store(CompressedBlock.Reason)
    case use(Codec, CompressedBlock.Reason)
    case sample
  }

  /// Blocks smaller than this are not worth the call.
  static let smallestBytes = 64
  private static let longestInterval = 32

  /// By how many percent Zstandard must come out smaller than its rival, where nothing else is said:
  /// it takes several times as long to read back.
  static let usualZstdSaving = 15

  let policy: Compression
  /// The same for this stream, where samples decide; nil: Zstandard is not tried.
  let zstdSaving: Int?

  /// The share each codec saved lately, in 1/65,536: the running gain.
  private var lz4Gain = 0
  private var zstdGain = 0
  /// Blocks from one sample to the next, and how many are left until it.
  private var interval = 0
  private var countdown = 0

  init(_ policy: Compression, zstdSaving: Int? = CodecChooser.usualZstdSaving) {
    self.policy = policy
    self.zstdSaving = zstdSaving
  }

  /// The level Zstandard works at under this policy.
  var zstdLevel: Int {
    if case .zstd(let level) = policy { level } else { 3 }
  }

  /// The codec that history speaks for.
  var favourite: Codec {
    choose(full: 1 << 16, lz4: (1 << 16) - lz4Gain, zstd: (1 << 16) - zstdGain)
  }
}

// MARK: - The rules

extension CodecChooser {
  /// The most bytes a compressed block of `full` bytes may have: it must save a tenth.
  static func largestStored(_ full: Int) -> Int { full - (full + 9) / 10 }

  /// The codec to use for a block that has `full` bytes raw, `lz4` and `zstd` bytes compressed.
  ///
  /// Zstandard must come out so much smaller than LZ4 or raw, whichever is smaller.
  func choose(full: Int, lz4: Int, zstd: Int) -> Codec {
    let rival = min(lz4, full)
    // By differences: products of sizes up to 1 GiB stay far inside 64 bits, but this reads better.
    if let zstdSaving, zstd <= min(rival - rival * zstdSaving / 100, Self.largestStored(full)) {
      return .zstd
    }
    return lz4 <= Self.largestStored(full) ? .lz4 : .none
  }
}

// MARK: - The course of one block

extension CodecChooser {
  mutating func plan(for count: Int) -> Plan {
    guard count >= Self.smallestBytes else { return .store(.small) }
    switch policy {
    case .none: return .store(.policy)
    case .lz4: return .use(.lz4, .policy)
    case .zstd: return .use(.zstd, .policy)
    case .automatic: break
    }
    guard countdown > 0 else { return .sample }
    countdown -= 1
    let codec = favourite
    return codec == .none ? .store(.history) : .use(codec, .history)
  }

  /// Takes in a sample, `full` bytes that became `lz4` and `zstd` bytes, and says which codec its
  /// block gets.
  mutating func learn(full: Int, lz4: Int, zstd: Int) -> Codec {
    let chosen = choose(full: full, lz4: lz4, zstd: zstd)
    let confirmed = interval > 0 && chosen == favourite
    let first = interval == 0
    lz4Gain = Self.running(lz4Gain, Self.gain(full, lz4), first: first)
    zstdGain = Self.running(zstdGain, Self.gain(full, zstd), first: first)
    interval = confirmed ? min(interval * 2, Self.longestInterval) : 1
    countdown = interval - 1
    return chosen
  }

  /// Notes that a block which history gave a codec did not shrink: sample the next one.
  mutating func surprise() {
    interval = 1
    countdown = 0
  }

  private static func gain(_ full: Int, _ stored: Int) -> Int {
    max(0, full - stored) * (1 << 16) / max(full, 1)
  }

  private static func running(_ old: Int, _ new: Int, first: Bool) -> Int {
    first ? new : old + (new - old) / 4
  }
}
