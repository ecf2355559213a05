/// Something that can name an entry: its bytes are the key, and keys sort by their bytes.
///
/// Text is its UTF-8. Numbers are big-endian and fixed-width, so that unsigned numbers sort by
/// value.
public protocol StoreKey {
  /// Lends the key's bytes to `body`.
  func withKeyBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

/// Something that can be stored under a key: its bytes are the value.
public protocol StoreValue {
  /// Lends the value's bytes to `body`.
  func withValueBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

/// Bytes that serve as a key and as a value alike.
public protocol StoreBytes: StoreKey, StoreValue {
  /// Lends the bytes to `body`.
  func withStoreBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result
}

extension StoreBytes {
  /// Lends the bytes to `body`.
  @inlinable
  public func withKeyBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withStoreBytes(body)
  }

  /// Lends the bytes to `body`.
  @inlinable
  public func withValueBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withStoreBytes(body)
  }
}

// MARK: - Bytes and text

extension Array: StoreKey, StoreValue, StoreBytes where Element == UInt8 {
  /// Lends the bytes to `body`.
  @inlinable
  public func withStoreBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(span)
  }
}

extension ArraySlice: StoreKey, StoreValue, StoreBytes where Element == UInt8 {
  /// Lends the bytes to `body`.
  @inlinable
  public func withStoreBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(span)
  }
}

extension String: StoreKey, StoreValue, StoreBytes {
  /// Lends the bytes to `body`.
  @inlinable
  public func withStoreBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(utf8.span)
  }
}

extension Substring: StoreKey, StoreValue, StoreBytes {
  /// Lends the bytes to `body`.
  @inlinable
  public func withStoreBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(utf8.span)
  }
}

// MARK: - Numbers

extension StoreKey where Self: FixedWidthInteger & UnsignedInteger {
  /// Lends the number's bytes, the highest first, to `body`.
  @inlinable
  public func withKeyBytes<Result, Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var stored = bigEndian
    return try unsafe withUnsafeBytes(of: &stored) { bytes throws(Failure) in
      try unsafe body(Span(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self)))
    }
  }
}

extension UInt64: StoreKey {}

extension UInt32: StoreKey {}
