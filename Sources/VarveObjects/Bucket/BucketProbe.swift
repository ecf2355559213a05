import VarvePlatform

/// Finds out whether a bucket keeps what a writer relies on: that an object is made only where there is
/// none, that ranges are ranges, and that what was written is listed at once.
///
/// Some servers pass over conditions they do not know. There two writers would both win, so such a bucket
/// is refused for writing. Whether one of two who race wins no probe can tell: that is declared
/// (``ObjectStore/createsAtomically``), and where it is not, one machine at a time may write.
struct BucketProbe {
  let objects: any ObjectStore
  let random: any RandomSource

  /// Throws `.unfit` where the bucket cannot hold a store. Five requests, of which the last removes what
  /// the others made.
  func run() throws(BucketError) {
    let name = BucketLayout.probe(random.next())
    do throws(BucketError) { try look(at: name) } catch {
      try? objects.remove([name])
      throw error
    }
    try objects.request { objects throws(ObjectStoreError) in try objects.remove([name]) }
  }

  private func look(at name: ObjectName) throws(BucketError) {
    let bytes: [UInt8] = (0..<64).map { $0 }
    do throws(ObjectStoreError) {
      _ = try objects.put(name, ObjectContent(bytes), if: .absent, class: nil)
    } catch {
      // The name was drawn: where it exists it is ours, and the answer was lost.
      guard error.code == .exists else { throw .request(error) }
    }
    try checkCondition(name)
    let part = try objects.request { objects throws(ObjectStoreError) in
      try objects.read(name, .bytes(offset: 7, count: 9))
    }
    guard part.bytes == Array(bytes[7..<16]), part.objectSize == 64 else {
      throw .unfit("a range of an object was not what was asked for")
    }
    let listing = try objects.request { objects throws(ObjectStoreError) in
      try objects.list(name.description, after: nil, limit: 1)
    }
    guard listing.entries.map(\.name) == [name] else {
      throw .unfit("an object that was written is not listed")
    }
  }

  private func checkCondition(_ name: ObjectName) throws(BucketError) {
    do throws(ObjectStoreError) {
      _ = try objects.put(name, ObjectContent([0]), if: .absent, class: nil)
    } catch {
      guard error.code == .exists else { throw .request(error) }
      return
    }
    throw .unfit("an object was made although there was one (conditional writes are not kept)")
  }
}
