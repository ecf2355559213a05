package import Varve
import VarveFormat
package import VarveSimulation

/// What a test of the whole store runs on: each file system, read in each way.
///
/// ```swift
/// @Test(arguments: StoreSetting.allCases)
/// func aBatchIsSeenWhole(in setting: StoreSetting) throws {
///   try setting.withStores { open in ... }
/// }
/// ```
package struct StoreSetting: Sendable, Hashable, CaseIterable, CustomStringConvertible {
  package let kind: FileSystemKind
  package let readMode: StoreOptions.ReadMode

  package static let allCases = FileSystemKind.allCases.flatMap { kind in
    [StoreOptions.ReadMode.mapped, .buffered].map { StoreSetting(kind: kind, readMode: $0) }
  }

  package var description: String { "\(kind), \(readMode)" }

  /// Lends a way to open, again and again, a store that is gone afterwards.
  package func withStores<Result>(
    options: StoreOptions = .small, clock: SimulatedClock = SimulatedClock(),
    background: StoreComponents.Background = .inline,
    _ body: (_ open: () throws -> SegmentStore) throws -> Result
  ) throws -> Result {
    var options = options
    options.readMode = readMode
    return try kind.withStores(options: options, clock: clock, background: background, body)
  }

  /// Lends one open store, closes it, and fails where closing does.
  package func withStore<Result>(
    options: StoreOptions = .small, clock: SimulatedClock = SimulatedClock(),
    background: StoreComponents.Background = .inline, _ body: (SegmentStore) throws -> Result
  ) throws -> Result {
    try withStores(options: options, clock: clock, background: background) { open in
      let store = try open()
      let result = try body(store)
      try store.close()
      return result
    }
  }
}

extension Keyspace {
  /// Everything a scan finds, copied, in the scan's order.
  package func entries(
    _ range: KeyRange = .all, order: ScanOrder = .ascending, at snapshot: Snapshot? = nil
  ) throws -> [KeyValue] {
    var found: [KeyValue] = []
    try forEach(in: range, order: order, at: snapshot) { key, value in
      found.append(KeyValue([UInt8](copying: key), [UInt8](copying: value)))
    }
    return found
  }

  /// The value of `key` as text.
  package func text(_ key: String, at snapshot: Snapshot? = nil) throws -> String? {
    let bytes = try snapshot.map { try $0.value(for: key, in: self) } ?? value(for: key)
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }
}

/// A key and its value, as a test compares them.
package struct KeyValue: Equatable, Sendable {
  package var key: [UInt8]
  package var value: [UInt8]

  package init(_ key: [UInt8], _ value: [UInt8]) {
    self.key = key
    self.value = value
  }

  /// By the bytes, all at once: the library's way takes a call for each in a test build.
  package static func == (left: KeyValue, right: KeyValue) -> Bool {
    left.key.isSame(as: right.key) && left.value.isSame(as: right.value)
  }

  package init(_ key: String, _ value: String) { self.init(Array(key.utf8), Array(value.utf8)) }
}

extension Array<UInt8> {
  /// Equality, fast in a test build.
  package func isSame(as other: [UInt8]) -> Bool {
    count == other.count && order(against: other) == 0
  }

  /// Below zero, zero or above zero as the bytes sort.
  package func order(against other: [UInt8]) -> Int {
    withByteView { bytes in other.withByteView { bytes.compare($0) } }
  }
}

/// The code of the error that `body` throws; nil where it throws none of the store's.
package func code(of body: () throws -> Void) -> StoreError.Code? {
  do { try body() } catch { return (error as? StoreError)?.code }
  return nil
}
