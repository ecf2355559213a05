import CVarveLZ4
import CVarveZstd
import VarveFormat
import VarvePlatform

/// Gives compressed bytes back as they were; shared by all threads that read.
///
/// Stored bytes are hostile until proven otherwise. Before memory is taken the declared length is
/// held to the caller's limit and to what the codec could produce from so few bytes; then the codec
/// gets exactly that much room, and must fill it to the last byte.
///
/// LZ4 needs no context. Those of zstd (about 100 KB each) wait in a small pool.
@safe
final class Decompressor: Sendable {
  private static let idleContexts = 8
  private let idle = Monitor<[ZstdDecoder]>([])

  init() {}

  /// Memory held by idle contexts.
  var memoryBytes: Int { idle.withLock { $0.reduce(0) { $0 + $1.memoryBytes } } }

  /// The `fullCount` bytes that `stored` stands for, in a new buffer of exactly that capacity.
  ///
  /// - Parameters:
  ///   - limit: the most bytes this kind of structure may have.
  ///   - offset: where the stored bytes lie in their file, for the error.
  func decompress(
    _ stored: ByteView, _ codec: Codec, fullCount: Int, limit: Int, at offset: UInt64
  ) throws(FormatError) -> AlignedBuffer {
    try Self.check(stored, codec, fullCount, limit, offset)
    let buffer = AlignedBuffer(capacity: fullCount)
    try fill(buffer, with: stored, codec, fullCount, offset)
    return buffer
  }

  /// The same into a buffer the caller uses again and again; it must hold `fullCount` bytes.
  /// After an error it holds anything.
  func decompress(
    _ stored: ByteView, _ codec: Codec, fullCount: Int, into buffer: AlignedBuffer,
    at offset: UInt64
  ) throws(FormatError) {
    try Self.check(stored, codec, fullCount, buffer.capacity, offset)
    try fill(buffer, with: stored, codec, fullCount, offset)
  }

  private func fill(
    _ buffer: AlignedBuffer, with stored: ByteView, _ codec: Codec, _ fullCount: Int,
    _ offset: UInt64
  ) throws(FormatError) {
    let whole: Bool =
      switch codec {
      case .none: Self.copy(stored, to: buffer)
      case .lz4: Self.decodeLZ4(stored, fullCount, into: buffer)
      case .zstd: decodeZstd(stored, fullCount, into: buffer)
      }
    guard whole else {
      throw FormatError(.compressedBytes, .value("\(codec) stream"), at: offset)
    }
  }

  /// No codec makes more out of `stored` bytes than this: a length sequence byte of LZ4 stands for
  /// at most 255 bytes, the smallest zstd block (4 bytes) for at most 128 KiB.
  private static func largestFull(_ stored: Int, _ codec: Codec) -> Int {
    let (product, overflow) = stored.multipliedReportingOverflow(
      by: codec == .lz4 ? 255 : codec == .zstd ? 32_768 : 1)
    return overflow ? .max : product
  }

  private static func check(
    _ stored: ByteView, _ codec: Codec, _ fullCount: Int, _ limit: Int, _ offset: UInt64
  ) throws(FormatError) {
    guard fullCount >= 0, fullCount <= limit, fullCount <= largestFull(stored.count, codec),
      codec != .none || fullCount == stored.count
    else { throw FormatError(.compressedBytes, .limit("full length"), at: offset) }
  }
}

// MARK: - The codecs

extension Decompressor {
  private static func copy(_ stored: ByteView, to buffer: AlignedBuffer) -> Bool {
    buffer.copy(stored)
    return true
  }

  private static func decodeLZ4(
    _ stored: ByteView, _ fullCount: Int, into buffer: AlignedBuffer
  ) -> Bool {
    guard let storedCount = Int32(exactly: stored.count), let room = Int32(exactly: fullCount)
    else { return false }
    return unsafe buffer.withMutableBytes { target in
      // The bounded decoder: it writes at most `room` bytes, and the buffer has been checked to
      // hold them.
      unsafe LZ4_decompress_safe(
        stored.start.assumingMemoryBound(to: CChar.self),
        target.baseAddress?.assumingMemoryBound(to: CChar.self), storedCount, room) == room
    }
  }

  private func decodeZstd(
    _ stored: ByteView, _ fullCount: Int, into buffer: AlignedBuffer
  ) -> Bool {
    // One frame and nothing behind it: the format knows no concatenation.
    guard unsafe ZSTD_findFrameCompressedSize(stored.start, stored.count) == stored.count else {
      return false
    }
    let decoder = idle.withLock { $0.popLast() } ?? ZstdDecoder()
    defer { keep(decoder) }
    return unsafe buffer.withMutableBytes { target in
      // zstd writes at most `fullCount` bytes, which the buffer has been checked to hold.
      unsafe ZSTD_decompressDCtx(
        decoder.context, target.baseAddress, fullCount, stored.start, stored.count) == fullCount
    }
  }

  private func keep(_ decoder: ZstdDecoder) {
    idle.withLock { idle in
      if idle.count < Self.idleContexts { idle.append(decoder) }
    }
  }
}

/// Owns one decoding context of zstd.
@safe
private final class ZstdDecoder: @unchecked Sendable {
  // @unchecked: one thread at a time has taken it out of the pool.
  let context: OpaquePointer

  init() {
    guard let context = unsafe ZSTD_createDCtx() else {
      fatalError("out of memory for a zstd context")
    }
    unsafe self.context = context
  }

  deinit { _ = unsafe ZSTD_freeDCtx(context) }

  var memoryBytes: Int { unsafe ZSTD_sizeof_DCtx(context) }
}
