import VarveFormat

/// Puts the keyspace's number in front of a user's key, on the stack.
///
/// The engine orders everything by one string of bytes: four big-endian bytes of keyspace number,
/// then the key.
enum EngineKey {
  /// Bytes of an engine key that is put together on the stack.
  private static let stackBytes = 128

  /// Lends the engine key to `body`; no allocation for keys up to about a hundred bytes.
  @inline(__always)
  static func with<Result, Failure: Error>(
    keyspace number: UInt32, key: Span<UInt8>,
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let count = key.count &+ Limits.keyspacePrefixBytes
    guard count <= stackBytes else {
      return try array(keyspace: number, key: key).withByteView(body)
    }
    var words = InlineArray<16, UInt64>(repeating: 0)
    var span = words.mutableSpan
    return try unsafe span.withUnsafeMutableBytes { buffer throws(Failure) in
      unsafe buffer.storeBytes(of: number.bigEndian, as: UInt32.self)
      unsafe key.withUnsafeBytes { source in
        // 4 + key.count <= 128, checked above.
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[4...]).copyMemory(from: source)
      }
      let view = unsafe ByteView(unsafeBuffer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      return try body(view)
    }
  }

  /// The engine key as an array, for bounds that are kept.
  static func array(keyspace number: UInt32, key: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Limits.keyspacePrefixBytes + key.count)
    unsafe withUnsafeBytes(of: number.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    unsafe key.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    return bytes
  }

  /// The smallest engine key of a keyspace: its number alone.
  static func start(of number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * UInt32($0))) }
  }

  /// The first engine key past every key of a keyspace; nil after the last number.
  static func end(of number: UInt32) -> [UInt8]? {
    number == .max ? nil : start(of: number + 1)
  }

  /// The first string of bytes that does not begin with `prefix`; nil when all do (0xff...).
  static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    var end = prefix
    while let last = end.last {
      if last < 0xff {
        end[end.count - 1] = last + 1
        return end
      }
      end.removeLast()
    }
    return nil
  }

  /// The keyspace number in front of an engine key.
  static func keyspace(of key: ByteView) -> UInt32? {
    key.uint32(at: 0).map { $0.byteSwapped }
  }
}
