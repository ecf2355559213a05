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
  /// - Throws: `.request` with `.exists` where the name is taken, with `.invalid` where it is no name.
  package func pinHead(
    as name: String, _ kind: BucketPin.Kind, expires: UInt64 = 0
  ) throws(BucketError) -> BucketPin {
    let object = try Self.object(name)
    let time = BucketTime(objects, random: random)
    let before = try time.now()
    guard let head = try BucketReader(objects).head() else { throw .noStore }
    let pin = BucketPin(
      storeID: head.manifest.version.storeID, manifest: head.manifest.number, kind: kind,
      expires: expires, nonce: FileID(low: random.next(), high: random.next()))
    let written = try put(pin, object)
    let after = if let written { written } else { try time.now() }
    guard after >= before, after - before <= grace / 2 else {
      try remove(name)
      throw .request(ObjectStoreError(.unavailable, "the bucket was too slow to pin a version"))
    }
    return pin
  }

  /// Lets the version go that `name` keeps. Nothing happens where there is none.
  package func remove(_ name: String) throws(BucketError) {
    let object = try Self.object(name)
    try objects.request { objects throws(ObjectStoreError) in try objects.remove([object]) }
  }

  private func put(_ pin: BucketPin, _ name: ObjectName) throws(BucketError) -> UInt64? {
    do throws(ObjectStoreError) {
      let content = ObjectContent(pin.encoded())
      return try objects.put(name, content, if: .absent, class: nil).serverTime
    } catch {
      guard error.code == .exists || error.code == .uncertain else { throw .request(error) }
      // An answer may have been lost: our own tells by its nonce.
      guard try BucketReader(objects).pins().contains(pin) else { throw .request(error) }
      return nil
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
