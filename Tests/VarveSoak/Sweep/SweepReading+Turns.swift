import Varve
import VarveTestSupport

extension SweepReading {
  /// The other ways to read, of which each damage meets one.
  enum Turn: Int, CaseIterable {
    case keysAndSizes
    case lentAndMany
    case seeks
    case ranges
    case snapshots

    /// - Parameter number: of the damage; its kinds come in turns of eleven.
    init(_ number: Int) {
      self = Self.allCases[number % Self.allCases.count]
    }
  }
}

extension SweepReading.Turn {
  /// Reads a keyspace; the last of the keys is not there.
  func read(
    _ keyspace: Keyspace, of store: SegmentStore, _ keys: [[UInt8]], _ reading: inout SweepReading
  ) throws {
    switch self {
    case .keysAndSizes: keysAndSizes(keyspace, keys, &reading)
    case .lentAndMany: lentAndMany(keyspace, keys, &reading)
    case .seeks: try seeks(keyspace, keys, &reading)
    case .ranges: ranges(keyspace, keys, &reading)
    case .snapshots: try snapshots(keyspace, of: store, keys, &reading)
    }
  }

  private func keysAndSizes(
    _ keyspace: Keyspace, _ keys: [[UInt8]], _ reading: inout SweepReading
  ) {
    let name = keyspace.name
    for key in keys {
      reading.look(absent: false, { $0[name]?[key] != nil }) { try keyspace.contains(key) }
      reading.look(absent: nil, { $0[name]?[key]?.count }) { try keyspace.size(ofValueFor: key) }
    }
  }

  private func lentAndMany(
    _ keyspace: Keyspace, _ keys: [[UInt8]], _ reading: inout SweepReading
  ) {
    let name = keyspace.name
    for key in keys {
      reading.look(absent: nil, { $0[name]?[key] }) {
        try keyspace.withValue(for: key) { [UInt8](copying: $0) }
      }
    }
    let none = [[UInt8]?](repeating: nil, count: keys.count)
    reading.look(absent: none, { state in keys.map { state[name]?[$0] } }) {
      try keyspace.values(for: keys)
    }
  }

  /// The key or the next one, and from there the one before it. A cursor that found nothing stands nowhere.
  private func seeks(
    _ keyspace: Keyspace, _ keys: [[UInt8]], _ reading: inout SweepReading
  ) throws {
    let name = keyspace.name
    var cursor = try keyspace.cursor()
    for (index, key) in keys.enumerated() {
      let (before, after) = (keys[..<index], keys[index...])
      reading.look(absent: nil, { Self.first(of: after, in: $0[name]) }) {
        guard try cursor.seek(to: key) else { return nil }
        return KeyValue([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
      }
      reading.look(
        absent: nil,
        { state in
          Self.first(of: after, in: state[name]).flatMap { _ in
            Self.first(of: before.reversed(), in: state[name])
          }
        }
      ) {
        guard try cursor.seek(to: key), try cursor.previous() else { return nil }
        return KeyValue([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
      }
    }
  }

  private static func first(
    of keys: some Sequence<[UInt8]>, in entries: [[UInt8]: [UInt8]]?
  ) -> KeyValue? {
    for key in keys {
      if let value = entries?[key] { return KeyValue(key, value) }
    }
    return nil
  }

  /// From each third key to the fifth behind it, so that they overlap, and to the end.
  private func ranges(
    _ keyspace: Keyspace, _ keys: [[UInt8]], _ reading: inout SweepReading
  ) {
    for start in stride(from: 0, to: keys.count, by: 3) {
      let end = start + 5
      let range = KeyRange(from: keys[start], to: end < keys.count ? keys[end] : nil)
      reading.scan(keyspace, range, .ascending)
      reading.scan(keyspace, range, .descending)
    }
    reading.scan(keyspace, KeyRange(prefix: "key 1"), .descending)
  }

  private func snapshots(
    _ keyspace: Keyspace, of store: SegmentStore, _ keys: [[UInt8]],
    _ reading: inout SweepReading
  ) throws {
    let name = keyspace.name
    let snapshot = try store.snapshot()
    defer { snapshot.close() }
    for key in keys {
      reading.look(absent: nil, { $0[name]?[key] }) { try snapshot.value(for: key, in: keyspace) }
    }
    reading.scan(keyspace, .all, .descending, at: snapshot)
  }
}
