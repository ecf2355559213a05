import VarveFormat

/// Keyed digests (RFC 2104) over SHA-256.
enum HMACSHA256 {
  private static let blockBytes = 64

  /// The 32 bytes that prove that who made them had `key` and `message`.
  static func code(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var block = key.count > blockBytes ? key.sha256 : key
    block += [UInt8](repeating: 0, count: blockBytes - block.count)
    let inner = (block.map { $0 ^ 0x36 } + message).sha256
    return (block.map { $0 ^ 0x5c } + inner).sha256
  }

  static func code(key: [UInt8], _ message: String) -> [UInt8] {
    code(key: key, Array(message.utf8))
  }
}

extension [UInt8] {
  var sha256: [UInt8] { withByteView { SHA256.digest(of: $0) } }
}
