import VarveFormat

/// One thing that is fuzzed: what reads the bytes, and how bytes that were changed are made worth
/// reading.
struct FuzzTarget: Sendable {
  /// On the command line and in the folders of corpora and regressions.
  let name: String
  /// No input is longer.
  let maximumBytes: Int
  /// Reads the bytes and ends the process where a promise is broken. No error gets out that is not one.
  let read: @Sendable (ByteView) throws -> Void
  /// Computes every checksum that can be found, and whatever else a reader refuses at once.
  /// Nil where there is nothing to sign.
  let sign: (@Sendable (inout Signed) -> Void)?
  /// Changes the bytes; nil for ``Change/anything(_:_:)``.
  let change: (@Sendable (inout [UInt8], inout Change) -> Void)?

  init(
    _ name: String, upTo maximumBytes: Int,
    sign: (@Sendable (inout Signed) -> Void)? = nil,
    change: (@Sendable (inout [UInt8], inout Change) -> Void)? = nil,
    read: @escaping @Sendable (ByteView) throws -> Void
  ) {
    self.name = name
    self.maximumBytes = maximumBytes
    self.read = read
    self.sign = sign
    self.change = change
  }

  /// The bytes with good checksums, where any can be found.
  func signed(_ bytes: [UInt8], repairing: Bool) -> [UInt8] {
    var signed = Signed(bytes, isRepaired: repairing)
    sign?(&signed)
    return signed.bytes
  }
}
