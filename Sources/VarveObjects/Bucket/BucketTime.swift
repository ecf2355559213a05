import VarvePlatform

/// What a bucket's own clock says: no other decides what is old.
struct BucketTime {
  private let objects: any ObjectStore
  private let random: any RandomSource

  init(_ objects: any ObjectStore, random: any RandomSource) {
    self.objects = objects
    self.random = random
  }

  /// The time now, in ms since 1970; 0 where the bucket never tells. One request, or three.
  func now() throws(BucketError) -> UInt64 {
    let listing = try objects.request { objects throws(ObjectStoreError) in
      try objects.list(BucketLayout.pins, after: nil, limit: 1)
    }
    if let time = listing.serverTime { return time }
    let name = BucketLayout.probe(random.next())
    return try objects.request { objects throws(ObjectStoreError) in
      let receipt = try objects.put(name, ObjectContent([]), if: .always, class: nil)
      try objects.remove([name])
      return receipt.serverTime ?? 0
    }
  }
}
