import VarveFormat
import VarveObjects
import VarvePlatform

/// What a comparison of a store with its bucket found.
public struct BucketScrub: Sendable, Equatable {
  /// A copy that is not what it must be.
  public struct Damage: Sendable, Equatable {
    /// Where the copy is.
    public enum Place: String, Sendable {
      case bucket, machine
    }

    /// The file's name on disk.
    public var file: String
    /// Where the copy is that is damaged.
    public var place: Place
    /// What is wrong with it.
    public var message: String
    /// Whether it was put right from the other copy.
    public var isRepaired: Bool
  }

  /// Files that were looked at.
  public var files = 0
  /// Bytes that were read of their copies, in the bucket and here.
  public var bytes: UInt64 = 0
  /// What is damaged, in the order in which it was found.
  public var damages: [Damage] = []

  /// Whether all copies are as they were written, or were put right.
  public var isSound: Bool { damages.allSatisfy(\.isRepaired) }
}

/// Compares each file of the bucket's newest version, there and here, with the SHA-256 that it was put with.
///
/// ```
///   there   here      then
///   good    damaged   fetched, and renamed into its place
///   damaged good      put again under its name: the same bytes
///   damaged not here  told: nobody has it any more
/// ```
struct BucketScrubbing {
  let tier: BucketTier
  /// Reads each copy whole; else sizes are compared.
  let isDeep: Bool
  let repairs: Bool
  /// Called before so many bytes are read.
  let spend: (UInt64) throws(StoreError) -> Void
  /// Called when a file of this machine was replaced.
  let reopen: (LocalFile) -> Void

  /// - Parameter progress: told after each file.
  func run(
    of version: Version, _ progress: (BucketScrub) -> Void
  ) throws(StoreError) -> BucketScrub {
    var scrub = BucketScrub()
    guard let head = tier.known.head else { return scrub }
    let here = Set(version.manifest.bucketFiles.map(\.key))
    for (file, local) in zip(head.files, head.version.bucketFiles) {
      let place = ColdPlace(file: file, size: local.size)
      var isHere = here.contains(local.key)
      if isHere { isHere = try tier.isLocal(local) }
      try compare(local, place, isHere: isHere, &scrub)
      scrub.files += 1
      progress(scrub)
    }
    return scrub
  }

  private func compare(
    _ local: LocalFile, _ place: ColdPlace, isHere: Bool, _ scrub: inout BucketScrub
  ) throws(StoreError) {
    var there = try flaw(inBucket: place, &scrub)
    // What was left behind meanwhile may be gone for a reason, and what is here of it goes as well.
    let isNamed = tier.known.head?.copies[local.key] == place.file.object
    if !isNamed { there = nil }
    let here = isHere ? try flaw(here: local, place.file.object.digest, &scrub) : nil
    if let there {
      var isRepaired = repairs && isHere && here == nil
      if isRepaired { isRepaired = try tier.putAgain(local, place) }
      scrub.damages.append(
        .init(
          file: local.name.description, place: .bucket, message: "\(place.object): \(there)",
          isRepaired: isRepaired))
    }
    if let here {
      let isRepaired = repairs && isNamed && there == nil
      if isRepaired { try tier.replace(local) { reopen(local) } }
      scrub.damages.append(
        .init(
          file: local.name.description, place: .machine, message: here, isRepaired: isRepaired))
    }
  }
}

// MARK: - Looking

extension BucketScrubbing {
  private static let pieceBytes: UInt64 = 8 << 20

  /// What is wrong with the copy in the bucket; nil where nothing is.
  private func flaw(
    inBucket place: ColdPlace, _ scrub: inout BucketScrub
  ) throws(StoreError) -> String? {
    do throws(ObjectStoreError) {
      guard let status = try tier.objects.status(of: place.object) else { return "it is missing" }
      guard status.size == place.size else {
        return "it has \(status.size) bytes instead of \(place.size)"
      }
      // Reading it would cost what an archive is meant to save.
      guard status.access == .readable else { return nil }
    } catch {
      throw StoreError(.request(error), at: tier.objects.location)
    }
    guard isDeep, try digest(of: place, &scrub) != place.file.object.digest else { return nil }
    return "its SHA-256 is not the one it was put with"
  }

  /// None where a part of it could not be had whole.
  private func digest(
    of place: ColdPlace, _ scrub: inout BucketScrub
  ) throws(StoreError) -> [UInt8] {
    var digest = SHA256()
    var offset: UInt64 = 0
    while offset < place.size {
      let count = min(Self.pieceBytes, place.size - offset)
      try spend(count)
      do throws(FileSystemError) {
        try tier.cold.fetch(offset..<offset + count, of: place).withByteView { digest.append($0) }
      } catch {
        guard case .remote(let failure) = error.reason, failure.kind == .damaged else {
          throw StoreError(error)
        }
        return []
      }
      scrub.bytes += count
      offset += count
    }
    return digest.digest()
  }

  /// What is wrong with the copy on this machine; nil where nothing is.
  private func flaw(
    here local: LocalFile, _ digest: [UInt8], _ scrub: inout BucketScrub
  ) throws(StoreError) -> String? {
    let content: FileContent
    do throws(StoreError) { content = try FileContent(local, in: tier.directory) } catch {
      guard error.code == .corrupted else { throw error }
      return error.message
    }
    guard isDeep else { return nil }
    try spend(local.size)
    scrub.bytes += local.size
    return try content.digest() == digest ? nil : "its SHA-256 is not the one it was put with"
  }
}

// MARK: - Putting right

extension BucketTier {
  /// Puts a file once more under the name that it has in the bucket; false where it is not what was put before.
  func putAgain(_ local: LocalFile, _ place: ColdPlace) throws(StoreError) -> Bool {
    try state.withLock { _ throws(StoreError) in
      // Whoever has taken over may have collected it.
      try checkHead()
      let source = try FileContent(local, in: directory)
      guard try source.digest() == place.file.object.digest else { return false }
      do throws(ObjectStoreError) {
        _ = try objects.put(
          place.object, source.content(digest: place.file.object.digest), if: .always, class: nil)
      } catch {
        throw source.failure ?? StoreError(.request(error), at: objects.location)
      }
      return true
    }
  }
}
