import CVarveShims

/// A borrowed run of bytes that something else keeps alive.
///
/// The engine reads from memory it does not copy: a mapped segment, an arena, a scratch buffer.
/// A view is the address and the count of such bytes. Whoever hands a view out says how long it
/// holds ("until the cursor moves", "while the pin is held"); a view outliving its owner is a bug
/// of ours, never a consequence of bad input. Every access checks its bounds.
@safe
@frozen
@usableFromInline
package struct ByteView: @unchecked Sendable {
  // @unchecked: the bytes are immutable while a view of them is out.
  @usableFromInline package let start: UnsafeRawPointer
  @usableFromInline package let count: Int

  /// Views `count` bytes at `start`; the caller vouches that they stay readable and unchanged.
  @inlinable
  package init(unsafeStart start: UnsafeRawPointer, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  /// Views a buffer; an empty one may have no address.
  @inlinable
  package init(unsafeBuffer buffer: UnsafeRawBufferPointer) {
    if let base = buffer.baseAddress {
      unsafe self.init(unsafeStart: base, count: buffer.count)
    } else {
      self = .empty
    }
  }

  /// No bytes at all.
  @inlinable
  package static var empty: ByteView {
    unsafe ByteView(unsafeStart: UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped, count: 0)
  }

  @inlinable
  package var isEmpty: Bool { count == 0 }

  /// The bytes for who keeps their owner by other means.
  @inlinable
  package var unsafeBuffer: UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt8.self), count: count)
  }

  /// The bytes as a span, for as long as this view is borrowed.
  @inlinable
  package var span: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      let span = unsafe Span(_unsafeElements: unsafeBuffer)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }
}

// MARK: - Parts

extension ByteView {
  /// The part of `count` bytes at `offset`, or nil where it does not lie wholly inside.
  @inlinable
  package func part(at offset: Int, count partCount: Int) -> ByteView? {
    guard offset >= 0, partCount >= 0, offset <= count, partCount <= count &- offset else {
      return nil
    }
    return unsafe ByteView(unsafeStart: start + offset, count: partCount)
  }

  /// Everything from `offset` on; empty when the offset is at or past the end.
  @inlinable
  package func dropping(_ offset: Int) -> ByteView {
    let skipped = max(0, min(offset, count))
    return unsafe ByteView(unsafeStart: start + skipped, count: count &- skipped)
  }

  /// The first `length` bytes, or all of them when there are fewer.
  @inlinable
  package func prefix(_ length: Int) -> ByteView {
    unsafe ByteView(unsafeStart: start, count: max(0, min(length, count)))
  }
}

// MARK: - Loads

extension ByteView {
  /// The byte at `offset`, or nil outside.
  @inlinable
  package func byte(at offset: Int) -> UInt8? {
    guard offset >= 0, offset < count else { return nil }
    return unsafe start.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// The little-endian 16-bit number at `offset`, at any alignment, or nil outside.
  @inlinable
  package func uint16(at offset: Int) -> UInt16? {
    guard offset >= 0, offset <= count &- 2 else { return nil }
    return unsafe UInt16(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The little-endian 32-bit number at `offset`, at any alignment, or nil outside.
  @inlinable
  package func uint32(at offset: Int) -> UInt32? {
    guard offset >= 0, offset <= count &- 4 else { return nil }
    return unsafe UInt32(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The little-endian 64-bit number at `offset`, at any alignment, or nil outside.
  @inlinable
  package func uint64(at offset: Int) -> UInt64? {
    guard offset >= 0, offset <= count &- 8 else { return nil }
    return unsafe UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The first eight bytes as a big-endian number, zero-filled: compares as the bytes would.
  @inlinable
  @inline(__always)
  package var sortPrefix: UInt64 {
    count >= 8 ? unsafe UInt64(bigEndian: start.loadUnaligned(as: UInt64.self)) : shortSortPrefix
  }

  /// ``sortPrefix`` of fewer than eight bytes.
  @usableFromInline
  var shortSortPrefix: UInt64 {
    if count >= 4 {
      // Two loads that overlap; of the second only what the first lacks.
      let high = unsafe UInt32(bigEndian: start.loadUnaligned(as: UInt32.self))
      let low = unsafe UInt32(
        bigEndian: start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      return UInt64(high) << 32 | (UInt64(low) << UInt64(64 &- 8 &* count)) & 0xffff_ffff
    }
    guard count > 0 else { return 0 }
    // One to three bytes: the first, the middle and the last are all of them, some twice.
    let (middle, last) = (count / 2, count &- 1)
    return unsafe UInt64(start.load(as: UInt8.self)) << 56
      | UInt64(start.load(fromByteOffset: middle, as: UInt8.self)) << UInt64(56 &- 8 &* middle)
      | UInt64(start.load(fromByteOffset: last, as: UInt8.self)) << UInt64(56 &- 8 &* last)
  }
}

// MARK: - Fetching ahead

extension ByteView {
  /// Asks memory for the first `count` bytes, or all where there are fewer, at most 4 KiB of them:
  /// loads that follow find them on their way instead of waiting one after the other.
  package func prefetch(_ count: Int) {
    let end = min(count, self.count, 4096)
    var offset = 0
    while offset < end {
      // An address inside of the view; even a wrong one would be harmless.
      unsafe varve_prefetch(start + offset)
      offset &+= 64
    }
  }
}

// MARK: - Comparing and copying

extension ByteView {
  /// Below zero, zero or above zero as these bytes sort before, with or after the others:
  /// unsigned bytes first, then the shorter one. The C function is `memcmp`.
  @inlinable
  package func compare(_ other: ByteView) -> Int {
    let shared = min(count, other.count)
    let order = memoryOrder(other, shared)
    return order != 0 ? order : count &- other.count
  }

  @usableFromInline
  func memoryOrder(_ other: ByteView, _ shared: Int) -> Int {
    unsafe Int(memcmp(start, other.start, shared))
  }

  /// How many leading bytes the two have in common.
  package func sharedPrefixCount(with other: ByteView) -> Int {
    let limit = min(count, other.count)
    var index = 0
    while let left = uint64(at: index), let right = other.uint64(at: index) {
      // The lowest byte that differs is the first in memory: the numbers are little-endian.
      if left != right { return index &+ (left ^ right).trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < limit, byte(at: index) == other.byte(at: index) { index &+= 1 }
    return index
  }

  /// Whether these bytes begin with the others; without a call where those are few.
  @inlinable
  package func starts(with other: ByteView) -> Bool {
    let shared = other.count
    guard count >= shared else { return false }
    guard 8...64 ~= shared else { return startsUnusually(with: other) }
    var index = 0
    while index &+ 8 <= shared {
      if word(index) != other.word(index) { return false }
      index &+= 8
    }
    // The last eight bytes, some of them again.
    return word(shared &- 8) == other.word(shared &- 8)
  }

  /// ``starts(with:)`` for fewer bytes than a word has, or many; there are as many here.
  @usableFromInline
  func startsUnusually(with other: ByteView) -> Bool {
    let shared = other.count
    guard shared < 8 else { return memoryOrder(other, shared) == 0 }
    // Two loads that overlap are all of them.
    if shared >= 4 { return areEqual(other, at: 0, shared &- 4, as: UInt32.self) }
    if shared >= 2 { return areEqual(other, at: 0, shared &- 2, as: UInt16.self) }
    return shared == 0 || areEqual(other, at: 0, 0, as: UInt8.self)
  }

  /// Whether the numbers at two offsets, which lie inside of both, are the same.
  @inline(__always)
  private func areEqual<Number: FixedWidthInteger & BitwiseCopyable>(
    _ other: ByteView, at first: Int, _ second: Int, as type: Number.Type
  ) -> Bool {
    unsafe start.loadUnaligned(fromByteOffset: first, as: type)
      == other.start.loadUnaligned(fromByteOffset: first, as: type)
      && start.loadUnaligned(fromByteOffset: second, as: type)
        == other.start.loadUnaligned(fromByteOffset: second, as: type)
  }

  /// Eight bytes at `offset`, which lie inside.
  @inlinable
  @inline(__always)
  func word(_ offset: Int) -> UInt64 {
    unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }

  /// A copy the caller owns.
  package var array: [UInt8] {
    unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }
}

extension ByteView: Comparable {
  @inlinable
  package static func == (left: ByteView, right: ByteView) -> Bool {
    left.count == right.count && left.starts(with: right)
  }

  @inlinable
  package static func < (left: ByteView, right: ByteView) -> Bool {
    left.compare(right) < 0
  }
}

// MARK: - Borrowing from arrays and spans

extension [UInt8] {
  /// Lends the array's bytes to `body`; the view holds until `body` returns.
  @inlinable
  package func withByteView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try span.withByteView(body)
  }
}

extension Span<UInt8> {
  /// Lends the span's bytes to `body`; the view holds until `body` returns.
  @inlinable
  package func withByteView<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe withUnsafeBufferPointer { buffer throws(Failure) in
      try body(unsafe ByteView(unsafeBuffer: UnsafeRawBufferPointer(buffer)))
    }
  }
}
