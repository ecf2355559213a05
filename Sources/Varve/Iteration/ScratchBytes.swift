import VarveFormat

/// A copy of some bytes in memory that is used again for the next copy.
///
/// Cursors keep a key or value here when the memory it was lent in is about to go. The bytes begin
/// at a multiple of 64 where a vector held here is to be lent as one. Takes no memory before the
/// first copy, grows to the largest one asked for and is freed with its owner.
@safe
struct ScratchBytes: ~Copyable {
  private static var leastCapacity: Int { 256 }

  private let alignment: Int
  private var start: UnsafeMutableRawPointer?
  private var capacity = 0
  private(set) var count = 0

  init(alignment: Int = 64) { self.alignment = alignment }

  deinit { unsafe start?.deallocate() }

  /// The copy, lent until the next one is taken.
  var view: ByteView {
    unsafe ByteView(unsafeBuffer: UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Copies `bytes`, which may be a part of the copy held now.
  mutating func copy(_ bytes: ByteView) {
    if bytes.count > capacity { grow(to: bytes.count) }
    // memmove: where the bytes come from this memory itself, they did not make it grow.
    unsafe start?.copyMemory(from: bytes.start, byteCount: bytes.count)
    count = bytes.count
  }

  /// Nothing held needs to survive growing: whoever copies a longer run brings it from elsewhere.
  private mutating func grow(to needed: Int) {
    unsafe start?.deallocate()
    capacity = max(needed, 2 &* capacity, Self.leastCapacity)
    unsafe start = .allocate(byteCount: capacity, alignment: alignment)
  }

  /// Whether `bytes` are the ones held.
  func holds(_ bytes: ByteView) -> Bool { bytes == view }
}
