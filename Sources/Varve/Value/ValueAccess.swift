import VarveFormat
import VarvePlatform

/// A value, lent where it lies or from a buffer that `owner` keeps.
struct ResolvedValue {
  let bytes: ByteView
  let owner: AnyObject?

  init(bytes: ByteView, owner: AnyObject? = nil) {
    self.bytes = bytes
    self.owner = owner
  }
}

extension ValueAccess {
  /// The value of an entry: its own bytes, or those it points to.
  func resolve(_ entry: EntryView) throws(StoreError) -> ResolvedValue {
    guard entry.kind == .pointer else { return ResolvedValue(bytes: entry.value) }
    return try resolve(try decode(entry.value))
  }

  /// The value of an entry that a point read found.
  func resolve(_ found: FoundEntry) throws(StoreError) -> ResolvedValue {
    guard found.kind == .pointer else {
      return ResolvedValue(bytes: found.value, owner: found.owner)
    }
    return try resolve(try decode(found.value))
  }

  /// Bytes of the value, uncompressed; reads no large value.
  func size(of found: FoundEntry) throws(StoreError) -> Int {
    guard found.kind == .pointer else { return found.value.count }
    return Int(try decode(found.value).fullCount)
  }

  private func decode(_ bytes: ByteView) throws(StoreError) -> ValuePointer {
    do throws(FormatError) { return try ValuePointer(decoding: bytes) } catch {
      throw StoreError(error, in: "a segment or log")
    }
  }
}
