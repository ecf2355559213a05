import VarveFormat
import VarvePlatform

/// Puts one manifest under its number: written by us, or by somebody else. Spec: bucket.md, "Commit".
struct BucketCommit {
  let objects: any ObjectStore
  let random: any RandomSource

  /// What became of a number.
  private enum Outcome {
    case written(at: UInt64?)
    case others(BucketManifest)
    /// There is none: the request was lost, or has not arrived yet.
    case absent
  }

  /// Returns when `manifest` stands under its number and no higher one exists; with the bucket's time.
  ///
  /// - Parameter isRefused: left true only where the bucket took nothing: the manifest is not there, and never will be.
  /// - Throws: `.fenced` where another writer stands there or above; `.split` where one of our own epoch
  ///   does; `.request` where nobody knows: the same bytes must be put again.
  func put(
    _ manifest: BucketManifest, _ bytes: [UInt8], isRefused: inout Bool
  ) throws(BucketError) -> UInt64? {
    isRefused = true
    try checkReadable(manifest.number, bytes)
    switch try outcome(of: manifest, bytes, isRefused: &isRefused) {
    case .written(let time): return try headCheck(manifest) ?? time ?? timeNow
    case .others(let other) where other.epoch == manifest.epoch:
      throw .split(object: BucketLayout.manifest(manifest.number).description)
    case .others: throw .fenced
    case .absent:
      throw .request(
        ObjectStoreError(
          .uncertain, "nobody knows whether the manifest was written",
          object: BucketLayout.manifest(manifest.number).description))
    }
  }

  /// From a hostile bucket numbers may come with which nobody could read it again.
  private func checkReadable(_ number: UInt64, _ bytes: [UInt8]) throws(BucketError) {
    do throws(FormatError) {
      _ = try bytes.withByteView { view throws(FormatError) in
        try BucketManifest(decoding: view, named: number)
      }
    } catch {
      throw .damaged(error, object: BucketLayout.manifest(number).description)
    }
  }

  /// What a bucket that does not tell its time with its answers says when it is asked; nil where it never does.
  private var timeNow: UInt64? {
    let now = (try? BucketTime(objects, random: random).now()) ?? 0
    return now == 0 ? nil : now
  }

  private func outcome(
    of manifest: BucketManifest, _ bytes: [UInt8], isRefused: inout Bool
  ) throws(BucketError) -> Outcome {
    let name = BucketLayout.manifest(manifest.number)
    // The second time for a request that was lost: what was absent a moment ago is made, or was.
    for _ in 0..<2 {
      do throws(ObjectStoreError) {
        let receipt = try objects.put(name, ObjectContent(bytes), if: .absent, class: nil)
        isRefused = false
        return .written(at: receipt.serverTime)
      } catch {
        // What else failed may have been done, or may be later.
        isRefused = isRefused && (error.code == .full || error.code == .denied)
        guard error.code == .exists || error.code == .uncertain else { throw .request(error) }
      }
      if let found = try BucketReader(objects).manifest(manifest.number)?.manifest {
        guard found.nonce == manifest.nonce && found.writer == manifest.writer else {
          return .others(found)
        }
        try objects.request { objects throws(ObjectStoreError) in try objects.settle(name, bytes) }
        return .written(at: nil)
      }
    }
    return .absent
  }

  /// Throws `.fenced` where a higher number exists: ours had been removed as old, and was made again.
  private func headCheck(_ manifest: BucketManifest) throws(BucketError) -> UInt64? {
    let (isFollowed, time) = try BucketReader(objects).isFollowed(manifest.number)
    guard !isFollowed else { throw .fenced }
    return time
  }
}
