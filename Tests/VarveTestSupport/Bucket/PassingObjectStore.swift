package import VarveObjects

/// Passes everything on to another, by another name, or with other answers to reads and listings.
package final class PassingObjectStore: ObjectStore {
  private let objects: any ObjectStore
  package let location: String
  private let answer: @Sendable (ObjectName, ObjectPart) -> ObjectPart
  private let listing: @Sendable (_ prefix: String) -> ObjectListing?
  private let beforePut: @Sendable (ObjectName) -> Void

  package init(
    _ objects: any ObjectStore, at location: String? = nil,
    answer: @escaping @Sendable (ObjectName, ObjectPart) -> ObjectPart = { $1 },
    listing: @escaping @Sendable (_ prefix: String) -> ObjectListing? = { _ in nil },
    beforePut: @escaping @Sendable (ObjectName) -> Void = { _ in }
  ) {
    self.objects = objects
    self.location = location ?? objects.location
    self.answer = answer
    self.listing = listing
    self.beforePut = beforePut
  }

  package var createsAtomically: Bool { objects.createsAtomically }
  package var showsOnlyDurable: Bool { objects.showsOnlyDurable }

  package func close() { objects.close() }

  package func read(
    _ name: ObjectName, _ range: ObjectRange
  ) throws(ObjectStoreError) -> ObjectPart { answer(name, try objects.read(name, range)) }

  package func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    beforePut(name)
    return try objects.put(name, content, if: condition, class: storageClass)
  }

  package func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    try objects.status(of: name)
  }

  package func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    if let page = listing(prefix) { return page }
    return try objects.list(prefix, after: place, limit: limit)
  }

  package func remove(_ names: [ObjectName]) throws(ObjectStoreError) { try objects.remove(names) }

  package func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) { try objects.copy(name, to: newName, class: storageClass) }

  package func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    try objects.removeUnfinished(olderThan: age)
  }

  package func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    try objects.restore(name, days: days)
  }
}
