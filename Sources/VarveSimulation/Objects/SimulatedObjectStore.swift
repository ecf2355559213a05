package import VarveObjects
import VarvePlatform

/// One user's connection to a ``SimulatedBucket``: what it asks for may be refused, lost, or arrive late.
package final class SimulatedObjectStore: ObjectStore {
  private struct State: Sendable {
    var calls = 0
    var isClosed = false
    var isDead = false
    var faults: @Sendable (_ call: Int, ObjectCall.Kind, String) -> ObjectFault? = { _, _, _ in nil
    }
    var beforeEachCall: @Sendable (ObjectCall.Kind, String) -> Void = { _, _ in }
  }

  package let bucket: SimulatedBucket
  private let state = Monitor(State())

  init(_ bucket: SimulatedBucket) { self.bucket = bucket }

  private var clock: SimulatedClock { bucket.clock }

  package var location: String { "simulated" }
  package var createsAtomically: Bool { true }
  package var showsOnlyDurable: Bool { true }

  package func close() { state.withLock { $0.isClosed = true } }

  /// Whether a fault ended the machine of whoever uses this connection.
  package var isDead: Bool { state.withLock { $0.isDead } }

  /// Calls of this connection so far.
  package var callCount: Int { state.withLock { $0.calls } }

  /// Sets what goes wrong: asked with the number of the call, from 1, its kind, and its object.
  package func setFaults(
    _ faults: @escaping @Sendable (_ call: Int, ObjectCall.Kind, String) -> ObjectFault?
  ) { state.withLock { $0.faults = faults } }

  /// Sets what happens before each call, on its thread: the moment for others to come between.
  package func setBeforeEachCall(_ body: @escaping @Sendable (ObjectCall.Kind, String) -> Void) {
    state.withLock { $0.beforeEachCall = body }
  }
}

// MARK: - Calls

extension SimulatedObjectStore {
  /// Makes a call that changes nothing.
  private func ask<Result>(
    _ kind: ObjectCall.Kind, _ name: String,
    _ body: (inout SimulatedBucket.State) throws(ObjectStoreError) -> Result
  ) throws(ObjectStoreError) -> Result {
    switch try begin(kind, name) {
    case nil: return try bucket.state.withLock(body)
    // Whatever became of a question, the answer is missing.
    case .diesBefore?, .diesAfter?: throw Self.dead
    case _?: throw ObjectStoreError(.unavailable, "no answer", object: name)
    }
  }

  /// Makes a call that changes something.
  private func change<Result>(
    _ kind: ObjectCall.Kind, _ name: String,
    _ body: @escaping @Sendable (inout SimulatedBucket.State) throws(ObjectStoreError) -> Result
  ) throws(ObjectStoreError) -> Result {
    let lost = ObjectStoreError(.uncertain, "the answer was lost", object: name)
    switch try begin(kind, name) {
    case nil: return try bucket.state.withLock(body)
    case .refused?: throw ObjectStoreError(.unavailable, "refused", object: name)
    case .full?: throw ObjectStoreError(.full, "no room is left", object: name)
    case .requestLost?: throw lost
    case .answerLost?:
      _ = try? bucket.state.withLock(body)
      throw lost
    case .late?:
      bucket.state.withLock { $0.late.append { state in _ = try? body(&state) } }
      throw lost
    case .diesBefore?: throw Self.dead
    case .diesAfter?:
      _ = try? bucket.state.withLock(body)
      throw Self.dead
    }
  }

  private func begin(
    _ kind: ObjectCall.Kind, _ name: String
  ) throws(ObjectStoreError) -> ObjectFault? {
    state.withLock { $0.beforeEachCall }(kind, name)
    return try state.withLock { state throws(ObjectStoreError) in
      guard !state.isDead else { throw Self.dead }
      guard !state.isClosed else {
        throw ObjectStoreError(.cancelled, "the object store was closed")
      }
      state.calls += 1
      let fault = state.faults(state.calls, kind, name)
      if fault == .diesBefore || fault == .diesAfter { state.isDead = true }
      return fault
    }
  }

  private static var dead: ObjectStoreError { ObjectStoreError(.cancelled, "the machine is dead") }

}

// MARK: - ObjectStore

extension SimulatedObjectStore {
  package func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    let bytes = content.count == 0 ? [] : try content.piece(0..<content.count)
    return try change(.put, name.description) { [clock] state throws(ObjectStoreError) in
      state.calls.append(ObjectCall(kind: .put, name: name.description, bytes: bytes.count))
      if condition == .absent, !state.ignoresConditions, state.objects[name] != nil {
        throw ObjectStoreError(.exists, "the object exists already", object: name.description)
      }
      state.objects[name] = .init(
        bytes: bytes, modified: clock.wallMilliseconds(), storageClass: storageClass)
      state.changes.append(name)
      return ObjectReceipt(serverTime: clock.wallMilliseconds())
    }
  }

  package func read(
    _ name: ObjectName, _ range: ObjectRange
  ) throws(ObjectStoreError) -> ObjectPart {
    return try ask(.read, name.description) { state throws(ObjectStoreError) in
      guard let object = state.objects[name] else {
        state.calls.append(ObjectCall(kind: .read, name: name.description, bytes: 0))
        throw ObjectStoreError(.absent, "there is no such object", object: name.description)
      }
      guard object.isReadable else {
        throw ObjectStoreError(.archived, "restore it first", object: name.description)
      }
      let part = range.resolved(in: UInt64(object.bytes.count))
      state.calls.append(ObjectCall(kind: .read, name: name.description, bytes: part.count))
      return ObjectPart(
        bytes: Array(object.bytes[Int(part.lowerBound)..<Int(part.upperBound)]),
        offset: part.lowerBound, objectSize: UInt64(object.bytes.count),
        serverTime: clock.wallMilliseconds())
    }
  }

  package func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    return try ask(.status, name.description) { state in
      state.calls.append(ObjectCall(kind: .status, name: name.description, bytes: 0))
      guard let object = state.objects[name] else { return nil }
      return ObjectStatus(
        size: UInt64(object.bytes.count), modified: object.modified,
        storageClass: object.storageClass, access: object.isReadable ? .readable : .archived,
        serverTime: clock.wallMilliseconds())
    }
  }

  package func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    return try ask(.list, prefix) { state in
      state.calls.append(ObjectCall(kind: .list, name: prefix, bytes: 0))
      let found = state.objects.keys.filter { name in
        name.description.utf8.starts(with: prefix.utf8)
          && (place.map { $0.utf8.lexicographicallyPrecedes(name.description.utf8) } ?? true)
      }.sorted()
      let page = found.prefix(max(1, limit))
      let entries = page.compactMap { name in
        state.objects[name].map {
          ObjectListing.Entry(
            name: name, size: UInt64($0.bytes.count), modified: $0.modified)
        }
      }
      return ObjectListing(
        entries: entries, end: page.count < found.count ? page.last?.description : nil,
        serverTime: clock.wallMilliseconds())
    }
  }

  package func remove(_ names: [ObjectName]) throws(ObjectStoreError) {
    try change(.remove, names.first?.description ?? "") { state in
      state.calls.append(
        ObjectCall(kind: .remove, name: names.first?.description ?? "", bytes: 0))
      for name in names { state.objects[name] = nil }
      state.changes += names
    }
  }

  package func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) {
    try change(.copy, name.description) { [clock] state throws(ObjectStoreError) in
      state.calls.append(ObjectCall(kind: .copy, name: name.description, bytes: 0))
      guard let object = state.objects[name] else {
        throw ObjectStoreError(.absent, "there is no such object", object: name.description)
      }
      guard object.isReadable else {
        throw ObjectStoreError(.archived, "restore it first", object: name.description)
      }
      state.objects[newName] = .init(
        bytes: object.bytes, modified: clock.wallMilliseconds(), storageClass: storageClass)
      state.changes.append(newName)
    }
  }

  package func removeUnfinished(olderThan age: UInt64) throws(ObjectStoreError) -> Int {
    // What is put is there whole or not at all.
    try ask(.removeUnfinished, "") { _ in 0 }
  }

  package func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    try change(.restore, name.description) { state throws(ObjectStoreError) in
      state.calls.append(ObjectCall(kind: .restore, name: name.description, bytes: 0))
      guard state.objects[name] != nil else {
        throw ObjectStoreError(.absent, "there is no such object", object: name.description)
      }
    }
  }
}
