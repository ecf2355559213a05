package import VarveFormat
package import VarvePlatform

/// Makes and removes pins: versions of a bucket that are kept from being collected.
package struct BucketPinning: Sendable {
  private let objects: any ObjectStore
  private let random: any RandomSource
  /// The grace of the collector, in ms: a pin that took longer than half of it may have come too late.
  package var grace: UInt64 = 3_600_000

  package init(_ objects: any ObjectStore, random: any RandomSource) {
    self.objects = objects
    self.random = random
  }

  /// Keeps the newest version under `name`. A listing, a read and a write.
  ///
  /// - Throws: `.request` with `.exists` where the name is taken, with `.invalid` where it is no name; `.noVersion`
  ///   where nothing was put there yet.
  package func pinHead(
    as name: String, _ kind: BucketPin.Kind, expires: UInt64 = 0
  ) throws(BucketError) -> BucketPin {
    let object = try Self.object(name)
    let time = BucketTime(objects, random: random)
    let before = try time.now()
    guard let head = try BucketReader(objects).head() else { throw .noStore }
    guard
      kind != .checkpoint || !head.manifest.objects.isEmpty
        || head.manifest.version.lastSequence > .zero
    else {
      throw .noVersion("nothing was put into the bucket yet that could be kept")
    }
    let pin = BucketPin(
      storeID: head.manifest.version.storeID, manifest: head.manifest.number, kind: kind,
      expires: expires, nonce: FileID(low: random.next(), high: random.next()))
    let written = try put(pin, object)
    let after = if let written { written } else { try time.now() }
    guard after >= before, after - before <= grace / 2 else {
      try remove(object)
      throw .request(ObjectStoreError(.unavailable, "the bucket was too slow to pin a version"))
    }
    return pin
  }

  /// Lets the version go that `name` keeps.
  ///
  /// - Throws: `.noVersion` where there is none of the name.
  package func remove(_ name: String) throws(BucketError) {
    let object = try Self.object(name)
    let found = try objects.request { objects throws(ObjectStoreError) in
      try objects.status(of: object)
    }
    guard found != nil else { throw .noVersion("there is no checkpoint '\(name)' in the bucket") }
    try remove(object)
  }

  private func remove(_ object: ObjectName) throws(BucketError) {
    try objects.request { objects throws(ObjectStoreError) in try objects.remove([object]) }
  }

  private func put(_ pin: BucketPin, _ name: ObjectName) throws(BucketError) -> UInt64? {
    do throws(ObjectStoreError) {
      let content = ObjectContent(pin.encoded())
      return try objects.put(name, content, if: .absent, class: nil).serverTime
    } catch {
      guard error.code == .exists || error.code == .uncertain else { throw .request(error) }
      // An answer may have been lost: our own tells by its nonce.
      let found = try BucketReader(objects).pins()
      if found.contains(pin) {
        try objects.request { objects throws(ObjectStoreError) in
          try objects.settle(name, pin.encoded())
        }
        return nil
      }
      guard error.code == .exists else { throw .request(error) }
      throw .request(
        ObjectStoreError(
          .exists, "there is a checkpoint of that name: delete it first, or choose another name",
          object: name.description))
    }
  }

  private static func object(_ name: String) throws(BucketError) -> ObjectName {
    guard let object = BucketLayout.pin(name) else {
      throw .request(
        ObjectStoreError(
          .invalid, "a checkpoint's name is made of a-z, 0-9, '.', '_' and '-'", object: name))
    }
    return object
  }
}
