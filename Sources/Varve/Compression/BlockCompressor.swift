import CVarveLZ4
import CVarveZstd
import VarveFormat
import VarvePlatform

/// Compresses blocks into buffers it keeps: one for each thread that writes.
///
/// The contexts and buffers of both codecs are made when first needed and used again and again.
/// A codec is given only as much room as would save a tenth, so it gives up early on data that
/// does not compress, and no buffer outgrows the input.
@safe
final class BlockCompressor: @unchecked Sendable {
  // @unchecked: used by one thread at a time; pools hand it from one to the next under a lock.

  /// Of larger inputs a piece this long from the middle is sampled.
  static let sampleBytes = 64 << 10

  private var lz4State: AlignedBuffer?
  private var lz4Output = Scratch()
  private var zstdContext: OpaquePointer?
  private var zstdLevel = 0
  private var zstdOutput = Scratch()

  init() {}

  deinit { _ = unsafe ZSTD_freeCCtx(zstdContext) }

  /// Memory held by contexts and buffers.
  var memoryBytes: Int {
    unsafe (lz4State?.capacity ?? 0) + ZSTD_sizeof_CCtx(zstdContext) + lz4Output.capacity
      + zstdOutput.capacity
  }

  /// Compresses `bytes` as `chooser` decides, and tells the chooser what came of it.
  func compress(_ bytes: ByteView, with chooser: inout CodecChooser) -> CompressedBlock {
    switch chooser.plan(for: bytes.count) {
    case .store(let reason):
      return CompressedBlock(codec: .none, reason: reason, bytes: bytes, fullCount: bytes.count)
    case .use(let codec, let reason):
      let block = attempt(codec, reason, on: bytes, level: chooser.zstdLevel)
      if block.reason == .noGain { chooser.surprise() }
      return block
    case .sample:
      return sample(bytes, &chooser)
    }
  }

  private func sample(_ bytes: ByteView, _ chooser: inout CodecChooser) -> CompressedBlock {
    let level = chooser.zstdLevel
    let excess = max(0, bytes.count - Self.sampleBytes)
    let piece = bytes.dropping(excess / 2).prefix(Self.sampleBytes)
    let lz4 = compressLZ4(piece)
    let zstd = chooser.zstdSaving == nil ? nil : compressZstd(piece, level: level)
    let codec = chooser.learn(
      full: piece.count, lz4: lz4?.count ?? piece.count, zstd: zstd?.count ?? piece.count)
    if excess > 0 { return attempt(codec, .sample, on: bytes, level: level) }
    let best: ByteView? =
      switch codec {
      case .none: bytes
      case .lz4: lz4
      case .zstd: zstd
      }
    return CompressedBlock(
      codec: best == nil ? .none : codec, reason: .sample, bytes: best ?? bytes,
      fullCount: bytes.count)
  }

  private func attempt(
    _ codec: Codec, _ reason: CompressedBlock.Reason, on bytes: ByteView, level: Int
  ) -> CompressedBlock {
    let stored: ByteView? =
      switch codec {
      case .none: bytes
      case .lz4: compressLZ4(bytes)
      case .zstd: compressZstd(bytes, level: level)
      }
    guard let stored else {
      return CompressedBlock(codec: .none, reason: .noGain, bytes: bytes, fullCount: bytes.count)
    }
    return CompressedBlock(codec: codec, reason: reason, bytes: stored, fullCount: bytes.count)
  }
}

// MARK: - The codecs

extension BlockCompressor {
  /// Nil where the result would not save a tenth.
  private func compressLZ4(_ bytes: ByteView) -> ByteView? {
    let room = CodecChooser.largestStored(bytes.count)
    guard room > 0, let sourceCount = Int32(exactly: bytes.count) else { return nil }
    let state = lz4State ?? AlignedBuffer(capacity: Int(LZ4_sizeofState()))
    lz4State = state
    let output = lz4Output.buffer(room)
    // The state is filled afresh by each call: what earlier blocks held cannot change the result.
    let count = unsafe state.withMutableBytes { state in
      unsafe output.withMutableBytes { output in
        unsafe LZ4_compress_fast_extState(
          state.baseAddress, bytes.start.assumingMemoryBound(to: CChar.self),
          output.baseAddress?.assumingMemoryBound(to: CChar.self), sourceCount, Int32(room), 1)
      }
    }
    return count > 0 ? output.view(count: Int(count)) : nil
  }

  /// Nil where the result would not save a tenth.
  private func compressZstd(_ bytes: ByteView, level: Int) -> ByteView? {
    let room = CodecChooser.largestStored(bytes.count)
    guard room > 0 else { return nil }
    prepareZstd(level)
    let output = zstdOutput.buffer(room)
    let count = unsafe output.withMutableBytes { output in
      unsafe ZSTD_compress2(zstdContext, output.baseAddress, room, bytes.start, bytes.count)
    }
    return ZSTD_isError(count) == 0 ? output.view(count: count) : nil
  }

  private func prepareZstd(_ level: Int) {
    if unsafe zstdContext == nil {
      unsafe zstdContext = ZSTD_createCCtx()
      precondition(unsafe zstdContext != nil, "out of memory for a zstd context")
    }
    guard level != zstdLevel else { return }
    // Our blocks carry their own checksum; zstd's would be four bytes and a pass more.
    unsafe ZSTD_CCtx_setParameter(zstdContext, ZSTD_c_checksumFlag, 0)
    let result = unsafe ZSTD_CCtx_setParameter(zstdContext, ZSTD_c_compressionLevel, Int32(level))
    precondition(ZSTD_isError(result) == 0, "zstd refused a level that was validated")
    zstdLevel = level
  }
}

/// A buffer that grows to what is asked of it and gives much back after an unusually large use.
private struct Scratch {
  private static let kept = 1 << 20
  private var held: AlignedBuffer?

  var capacity: Int { held?.capacity ?? 0 }

  /// At least `count` bytes, holding anything.
  mutating func buffer(_ count: Int) -> AlignedBuffer {
    if let held, held.capacity >= count, held.capacity <= max(Self.kept, 4 * count) { return held }
    let fresh = AlignedBuffer(capacity: max(count, 64 << 10))
    held = fresh
    return fresh
  }
}
