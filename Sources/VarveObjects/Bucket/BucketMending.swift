import VarveFormat

/// Finds the newest version in a bucket for a machine that knows of one which was confirmed there, and puts back what
/// is gone or changed of the objects that lead to it. Spec: bucket.md, "Claim".
///
/// A manifest's number stands for one content for ever, so that nobody is harmed who reads it meanwhile.
struct BucketMending {
  let objects: any ObjectStore
  /// The newest manifest that is known to have been there; nil: what is there is all there is.
  let known: BucketManifest?

  private var reader: BucketReader { BucketReader(objects) }

  /// Which store it is; nil where there is none. When it was made is not known any more where that is put back.
  func identity() throws(BucketError) -> BucketIdentity? {
    let found: BucketIdentity?
    var isDamaged = false
    do throws(BucketError) { found = try reader.identity() } catch {
      guard known != nil, error.isDamage else { throw error }
      (found, isDamaged) = (nil, true)
    }
    guard found == nil, let known else { return found }
    // An empty bucket is another one, or an empty directory below which nothing is mounted.
    if !isDamaged, try reader.manifestNumbers().isEmpty { return nil }
    let identity = BucketIdentity(storeID: known.version.storeID, created: 0)
    try put(BucketLayout.store, identity.encoded(), if: isDamaged ? .always : .absent)
    return identity
  }

  /// The newest manifest; nil where there is none. One listing, one read.
  func head() throws(BucketError) -> BucketHead? {
    guard let known else { return try reader.head() }
    // Between listing and reading a new writer may collect: then there is a newer one.
    for _ in 0..<8 {
      let newest = try reader.manifestNumbers(after: known.number - 1).last ?? 0
      if newest > known.number {
        guard let head = try reader.manifest(newest) else { continue }
        return head
      }
      do throws(BucketError) {
        if newest == known.number, let head = try reader.manifest(newest) { return head }
      } catch {
        guard error.isDamage else { throw error }
        return try putBack(known, if: .always)
      }
      return try putBack(known, if: .absent)
    }
    throw .request(
      ObjectStoreError(.unavailable, "the newest manifest is gone each time it is asked for"))
  }

  private func putBack(
    _ known: BucketManifest, if condition: PutCondition
  ) throws(BucketError) -> BucketHead {
    let bytes = known.encoded()
    try put(BucketLayout.manifest(known.number), bytes, if: condition)
    return BucketHead(known, digest: bytes.withByteView(SHA256.digest(of:)))
  }

  /// Puts an object of which all know what it must be: where it came meanwhile it is the same.
  private func put(
    _ name: ObjectName, _ bytes: [UInt8], if condition: PutCondition
  ) throws(BucketError) {
    do throws(ObjectStoreError) {
      _ = try objects.put(name, ObjectContent(bytes), if: condition, class: nil)
    } catch {
      guard error.code == .exists else { throw .request(error) }
    }
  }
}

extension BucketError {
  /// Whether an object is there and is not what was put.
  package var isDamage: Bool {
    switch self {
    case .damaged(let error, _):
      switch error.fault {
      case .version, .features: false
      default: true
      }
    case .request(let error): error.code == .damaged
    default: false
    }
  }
}
