import VarveObjects
import VarveSimulation

/// Makes of a right writer one with a bug, by what it is told of the bucket.
final class BuggyObjectStore: ObjectStore {
  private let store: SimulatedObjectStore
  private let bug: BucketSchedule.Bug

  init(_ store: SimulatedObjectStore, _ bug: BucketSchedule.Bug) {
    self.store = store
    self.bug = bug
  }

  var location: String { store.location }
  var createsAtomically: Bool { true }
  var showsOnlyDurable: Bool { true }

  private func isManifest(_ name: String) -> Bool { name.hasPrefix(BucketLayout.manifests) }

  func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    do throws(ObjectStoreError) {
      return try store.put(name, content, if: condition, class: storageClass)
    } catch {
      let isTaken = error.code == .exists && isManifest(name.description)
      if isTaken, bug == .nonceIgnored { return ObjectReceipt(serverTime: nil) }
      throw error
    }
  }

  func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    let listing = try store.list(prefix, after: place, limit: limit)
    let isHeadCheck = isManifest(prefix) && place != nil && limit < 1_000
    let isHidden =
      isHeadCheck && bug == .headUnchecked || prefix == BucketLayout.pins && bug == .pinsIgnored
    return isHidden
      ? ObjectListing(entries: [], end: nil, serverTime: listing.serverTime) : listing
  }

  func read(_ name: ObjectName, _ range: ObjectRange) throws(ObjectStoreError) -> ObjectPart {
    try store.read(name, range)
  }

  func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    try store.status(of: name)
  }

  func remove(_ names: [ObjectName]) throws(ObjectStoreError) { try store.remove(names) }

  func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) { try store.copy(name, to: newName, class: storageClass) }

  func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    try store.removeUnfinished(olderThan: age)
  }

  func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    try store.restore(name, days: days)
  }

  func close() { store.close() }
}
