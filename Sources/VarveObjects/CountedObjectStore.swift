import Synchronization

/// How often a bucket was asked for something, by what is paid for.
public struct ObjectRequests: Sendable, Equatable {
  /// Objects that were written, copied or restored. One that goes in several parts is one here.
  public var writes = 0
  /// Pages of listings.
  public var lists = 0
  /// Reads, and looks at what is there.
  public var reads = 0
  /// Batches of removals, which cost nothing on most.
  public var removals = 0

  /// None.
  public init() {}
}

/// Passes on to another, and counts. Tries of one request are one.
package final class CountedObjectStore: ObjectStore {
  private let objects: any ObjectStore
  private let writes = Atomic(0)
  private let lists = Atomic(0)
  private let reads = Atomic(0)
  private let removals = Atomic(0)

  package init(_ objects: any ObjectStore) { self.objects = objects }

  package var requests: ObjectRequests {
    var requests = ObjectRequests()
    requests.writes = writes.load(ordering: .relaxed)
    requests.lists = lists.load(ordering: .relaxed)
    requests.reads = reads.load(ordering: .relaxed)
    requests.removals = removals.load(ordering: .relaxed)
    return requests
  }
}

extension CountedObjectStore {
  package var location: String { objects.location }
  package var createsAtomically: Bool { objects.createsAtomically }
  package var showsOnlyDurable: Bool { objects.showsOnlyDurable }

  package func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    writes.add(1, ordering: .relaxed)
    return try objects.put(name, content, if: condition, class: storageClass)
  }

  package func read(
    _ name: ObjectName, _ range: ObjectRange
  ) throws(ObjectStoreError) -> ObjectPart {
    reads.add(1, ordering: .relaxed)
    return try objects.read(name, range)
  }

  package func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    reads.add(1, ordering: .relaxed)
    return try objects.status(of: name)
  }

  package func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    lists.add(1, ordering: .relaxed)
    return try objects.list(prefix, after: place, limit: limit)
  }

  package func remove(_ names: [ObjectName]) throws(ObjectStoreError) {
    removals.add(1, ordering: .relaxed)
    try objects.remove(names)
  }

  package func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) {
    writes.add(1, ordering: .relaxed)
    try objects.copy(name, to: newName, class: storageClass)
  }

  package func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    lists.add(1, ordering: .relaxed)
    return try objects.removeUnfinished(olderThan: age)
  }

  package func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    writes.add(1, ordering: .relaxed)
    try objects.restore(name, days: days)
  }

  package func close() { objects.close() }
}
