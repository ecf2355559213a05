import VarveFormat

/// A block as it will be stored, and why in that form.
struct CompressedBlock {
  /// Why a block is stored the way it is; the inspector prints these.
  enum Reason: Int, Sendable, CaseIterable {
    /// The keyspace's policy says so.
    case policy
    /// Both codecs were tried on it.
    case sample
    /// The running gain of earlier blocks says so.
    case history
    /// Compressed by policy or history, but it saved less than a tenth.
    case noGain
    /// Too small to be worth it.
    case small
  }

  let codec: Codec
  let reason: Reason
  /// The bytes to store. They hold until the compressor is used again; for `.none` they are the
  /// caller's own.
  let bytes: ByteView
  let fullCount: Int
}

/// Counts what was chosen, and why: for a segment's properties, for `varve stats`.
struct CompressionCounts: Sendable, Equatable {
  struct Total: Sendable, Equatable {
    var blocks: UInt64 = 0
    var fullBytes: UInt64 = 0
    var storedBytes: UInt64 = 0
  }

  private var codecs = [Total](repeating: Total(), count: Codec.allCases.count)
  private var reasons = [UInt64](repeating: 0, count: CompressedBlock.Reason.allCases.count)

  subscript(codec: Codec) -> Total { codecs[Int(codec.rawValue)] }

  subscript(reason: CompressedBlock.Reason) -> UInt64 { reasons[reason.rawValue] }

  mutating func add(_ block: CompressedBlock) {
    let index = Int(block.codec.rawValue)
    codecs[index].blocks += 1
    codecs[index].fullBytes += UInt64(block.fullCount)
    codecs[index].storedBytes += UInt64(block.bytes.count)
    reasons[block.reason.rawValue] += 1
  }
}
