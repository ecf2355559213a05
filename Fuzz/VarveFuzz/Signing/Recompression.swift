import CVarveLZ4
import CVarveZstd
import VarveFormat
import VarvePlatform

@testable import Varve

/// Changes what is in compressed bytes, instead of bytes that then decode to nothing.
struct Recompression {
  /// The most bytes that are decoded: enough for a block, too few to be slow.
  static let limit = Limits.blockBytes

  private let codec: Codec

  init(_ codec: Codec) { self.codec = codec }

  /// Changes the content or, now and then, the compressed bytes themselves.
  func change(_ bytes: inout [UInt8], _ change: inout Change) {
    guard change.below(3) > 0, var content = content(of: bytes) else {
      return change.anything(&bytes)
    }
    change.anything(&content)
    var block = Signed(content, isRepaired: true)
    block.repairBlock()
    bytes = stored(block.bytes)
  }

  /// A full length and the compressed content.
  func stored(_ content: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.uint32(UInt32(content.count))
    writer.append(compressed(content))
    return writer.bytes
  }

  private func content(of bytes: [UInt8]) -> [UInt8]? {
    bytes.withByteView { view in
      let full = try? Decompressor().decompress(
        view.dropping(4), codec, fullCount: Int(view.uint32(at: 0) ?? 0), limit: Self.limit, at: 0)
      defer { withExtendedLifetime(full) {} }
      return full?.view().array
    }
  }

  private func compressed(_ content: [UInt8]) -> [UInt8] {
    let room = 2 * content.count + 1024
    return unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      let target = UnsafeMutableRawPointer(buffer.baseAddress)
      unsafe content.withUnsafeBytes { source in
        switch codec {
        case .zstd:
          count = unsafe ZSTD_compress(target, room, source.baseAddress, source.count, 1)
        case .lz4, .none:
          count = Int(
            unsafe LZ4_compress_default(
              source.baseAddress?.assumingMemoryBound(to: CChar.self),
              target?.assumingMemoryBound(to: CChar.self), Int32(source.count), Int32(room)))
        }
      }
    }
  }
}
