package import VarveFormat

/// Finds the newest version in a bucket for a machine that knows of one which was confirmed there, and puts back what
/// is gone or changed of the two objects that lead to it. Spec: bucket.md, "Claim".
///
/// ```
///   a higher number is there          that is the newest, whatever we know
///   ours is there, and damaged        the same bytes again
///   ours is gone, the one before is the one that ours follows     ours again
///   ours is gone, and anything else is there     another history: left as it is
/// ```
///
/// Only where all files are there that ours names: what went back in time as a whole is not mended by a manifest.
struct BucketMending {
  let objects: any ObjectStore
  /// The newest manifest that is known to have been there; nil: what is there is all there is.
  let known: BucketManifest?

  private var reader: BucketReader { BucketReader(objects) }

  /// What the object `store` says.
  enum Identity {
    case found(BucketIdentity)
    case gone
    case damaged
  }

  /// Which store it is.
  func identity() throws(BucketError) -> Identity {
    do throws(BucketError) {
      return try reader.identity().map { .found($0) } ?? .gone
    } catch {
      guard known != nil, error.isDamage else { throw error }
      return .damaged
    }
  }

  /// Puts `store` back, where the newest manifest is of the store that we know. When it was made is not known any
  /// more.
  func putBack(
    _ identity: Identity, of head: BucketManifest
  ) throws(BucketError) -> BucketIdentity {
    if case .found(let found) = identity { return found }
    guard let known else { throw .noStore }
    guard head.version.storeID == known.version.storeID else { throw .otherStore }
    let made = BucketIdentity(storeID: known.version.storeID, created: 0)
    var condition = PutCondition.absent
    if case .damaged = identity { condition = .always }
    if try put(BucketLayout.store, made.encoded(), if: condition) { return made }
    guard let found = try reader.identity() else { throw .noStore }
    return found
  }

  /// The newest manifest; nil where there is none. One listing, one read.
  ///
  /// - Parameter hasIdentity: whether the bucket says whose it is: an empty one is another, or an empty directory
  ///   below which nothing is mounted.
  /// - Parameter isHere: whether this machine has a file, so that its copy may be put again.
  func head(
    hasIdentity: Bool, _ isHere: (BucketFile) -> Bool
  ) throws(BucketError) -> BucketHead? {
    guard let known else { return try reader.head() }
    // Between listing and reading a new writer may collect: then there is a newer one.
    for _ in 0..<8 {
      let newest = try reader.manifestNumbers(after: known.number - 1).last
      guard let newest else {
        let (isDone, head) = try headBelow(known, hasIdentity)
        if isDone { return head }
        continue
      }
      do throws(BucketError) {
        if let head = try reader.manifest(newest) { return head }
      } catch {
        // It may have been damaged on the way: it is asked for until that is sure.
        guard newest == known.number, error.isDamage, hasIdentity,
          try reader.missingFiles(of: known).allSatisfy(isHere)
        else { throw error }
        if let head = try? reader.manifest(newest) { return head }
        try put(BucketLayout.manifest(known.number), known.encoded(), if: .always)
        return BucketHead(known, digest: Self.digest(known))
      }
    }
    throw .request(
      ObjectStoreError(.unavailable, "the newest manifest is gone each time it is asked for"))
  }

  /// What to go on from where ours is gone, and no higher one is there. Not done where one came meanwhile.
  private func headBelow(
    _ known: BucketManifest, _ hasIdentity: Bool
  ) throws(BucketError) -> (isDone: Bool, BucketHead?) {
    let before = try reader.head()
    guard before.map({ $0.digest == known.predecessorDigest }) ?? hasIdentity,
      try reader.missingFiles(of: known).isEmpty
    else { return (true, before) }
    let isPut = try put(BucketLayout.manifest(known.number), known.encoded(), if: .absent)
    return (isPut, BucketHead(known, digest: Self.digest(known)))
  }

  private static func digest(_ manifest: BucketManifest) -> [UInt8] {
    manifest.encoded().withByteView(SHA256.digest(of:))
  }

  /// False where there is one already.
  @discardableResult
  private func put(
    _ name: ObjectName, _ bytes: [UInt8], if condition: PutCondition
  ) throws(BucketError) -> Bool {
    do throws(ObjectStoreError) {
      _ = try objects.put(name, ObjectContent(bytes), if: condition, class: nil)
      return true
    } catch {
      guard error.code == .exists else { throw .request(error) }
      return false
    }
  }
}

extension BucketReader {
  /// Bytes of each file that is there. A listing for each thousand.
  package func fileSizes() throws(BucketError) -> [ObjectName: UInt64] {
    Dictionary(try entries(BucketLayout.files).map { ($0.name, $0.size) }) { first, _ in first }
  }

  /// The files of a version that are not in the bucket, or not of their size. A listing for each thousand files.
  package func missingFiles(of manifest: BucketManifest) throws(BucketError) -> [BucketFile] {
    let sizes = try fileSizes()
    let version = manifest.version
    let expected = version.segments.map(\.size) + version.valueFiles.map(\.size)
    return zip(manifest.files, expected)
      .filter { sizes[BucketLayout.file($0)] != $1 }.map(\.0)
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
