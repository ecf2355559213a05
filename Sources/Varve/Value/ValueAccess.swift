import VarveFormat
import VarvePlatform

/// A value, lent where it lies or from a buffer that `owner` keeps.
struct ResolvedValue {
  let bytes: ByteView
  let owner: CachedBlock?

  init(bytes: ByteView, owner: CachedBlock? = nil) {
    self.bytes = bytes
    self.owner = owner
  }

  /// Lends the bytes to `body`; the owner is kept until it returns.
  @inline(__always)
  func withBytes<Result, Failure: Error>(
    _ body: (ByteView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try body(bytes)
  }
}

/// Leads from an entry to its value: in the entry, or in a value file.
struct ValueAccess: Sendable {
  let store: ValueStore

  /// The value of an entry that a point read found: its own bytes, or those it points to.
  @inline(__always)
  func resolve(_ found: FoundEntry) throws(StoreError) -> ResolvedValue {
    guard found.kind == .pointer else {
      return ResolvedValue(bytes: found.value, owner: found.owner)
    }
    return try resolvePointer(in: found)
  }

  private func resolvePointer(in found: FoundEntry) throws(StoreError) -> ResolvedValue {
    defer { withExtendedLifetime(found.owner) {} }
    return try resolve(try decode(found.value))
  }

  func resolve(_ pointer: ValuePointer) throws(StoreError) -> ResolvedValue {
    let lent = try store.value(for: pointer)
    return ResolvedValue(bytes: lent.bytes, owner: lent.owner)
  }

  /// Bytes of the value, uncompressed; reads no large value.
  func size(of found: FoundEntry) throws(StoreError) -> Int {
    guard found.kind == .pointer else { return found.value.count }
    defer { withExtendedLifetime(found.owner) {} }
    return Int(try decode(found.value).fullCount)
  }

  /// Whether a value that may not have reached the disk is there and whole.
  ///
  /// - Parameter claims: of the walk that the pointer was met on.
  /// - Throws: where that is unknown, since it cannot be read.
  func isWhole(
    _ pointer: ValuePointer, claiming claims: inout ValueClaims
  ) throws(StoreError) -> Bool {
    do throws(StoreError) {
      _ = try store.storedCopy(of: pointer, claiming: &claims)
      return true
    } catch {
      if error.code == .corrupted { return false }
      throw error.unreadable(at: pointer)
    }
  }

  func decode(_ bytes: ByteView) throws(StoreError) -> ValuePointer {
    do throws(FormatError) { return try ValuePointer(decoding: bytes) } catch {
      throw StoreError(error, in: "an entry")
    }
  }
}

extension StoreError {
  /// What a recovery says where it cannot read a value that the log does not say is durable. It may have
  /// been acknowledged all the same, so nothing is given up for it; the next opening meets it again.
  func unreadable(at pointer: ValuePointer) -> StoreError {
    guard code == .inputOutput else { return self }
    return StoreError(
      code,
      "\(message), and the value there may have been acknowledged. Nothing was changed: try again. If it "
        + "stays so, copy the directory to a sound disk, with zeros for what cannot be read, and open "
        + "the copy: it ends before that value, or names it as damaged",
      file: file, offset: pointer.offset)
  }
}
