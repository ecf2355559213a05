import Varve
import VarvePlatform

/// A bucket whose calls are watched: where one takes long, a ``WaitingNote`` says so.
final class WatchedObjectStore: ObjectStore {
  private let store: any ObjectStore
  private let note: WaitingNote

  init(_ store: any ObjectStore, _ note: WaitingNote) {
    self.store = store
    self.note = note
  }

  var location: String { store.location }
  var createsAtomically: Bool { store.createsAtomically }
  var showsOnlyDurable: Bool { store.showsOnlyDurable }

  func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    // A large object is sent in pieces: each that is asked for moves it, but not where it is sent again.
    let sent = Monitor<UInt64>(0)
    let watched = ObjectContent(
      count: content.count, sha256: content.sha256, crc32c: content.crc32c
    ) {
      [note] range throws(ObjectStoreError) in
      if sent.withLock({ Self.raise(&$0, to: range.upperBound) }) { note.move() }
      return try content.piece(range)
    }
    return try note.during { () throws(ObjectStoreError) in
      try store.put(name, watched, if: condition, class: storageClass)
    }
  }

  private static func raise(_ number: inout UInt64, to other: UInt64) -> Bool {
    defer { number = max(number, other) }
    return other > number
  }

  func read(_ name: ObjectName, _ range: ObjectRange) throws(ObjectStoreError) -> ObjectPart {
    try note.during { () throws(ObjectStoreError) in try store.read(name, range) }
  }

  func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    try note.during { () throws(ObjectStoreError) in try store.status(of: name) }
  }

  func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    try note.during { () throws(ObjectStoreError) in
      try store.list(prefix, after: place, limit: limit)
    }
  }

  func remove(_ names: [ObjectName]) throws(ObjectStoreError) {
    try note.during { () throws(ObjectStoreError) in try store.remove(names) }
  }

  func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) {
    try note.during { () throws(ObjectStoreError) in
      try store.copy(name, to: newName, class: storageClass)
    }
  }

  func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    try note.during { () throws(ObjectStoreError) in try store.removeUnfinished(olderThan: age) }
  }

  func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    try note.during { () throws(ObjectStoreError) in try store.restore(name, days: days) }
  }

  func close() { store.close() }
}
