import Synchronization
import VarveFormat
import VarveObjects
import VarvePlatform

/// Follows the newest version that another machine puts into a bucket. Asks, and never writes there.
final class Replica: Sendable {
  struct Shown: Sendable {
    var manifest: BucketManifest
    /// When the manifests were last listed, by this machine's clock, in nanoseconds.
    var listed: UInt64
    /// Every file that was ever shown, or was to be: of no number may there be two, for what is kept here goes by
    /// numbers.
    var files: [UInt64: FileKey]
  }

  /// Longer than this nobody relies on it that the next manifest has the next number: it may have been
  /// collected, with newer ones behind it.
  private static let trust: UInt64 = 600_000_000_000

  let objects: any ObjectStore
  let cold: ColdFiles
  private let clock: StoreClock
  /// The version that is shown. Held while the next one is looked for, and shown.
  let shown: Monitor<Shown>
  /// The same for those who do not wait while the next one is looked for.
  let latest: Monitor<BucketManifest>
  /// Its number, and from when on the next one is being shown that one's, which is that of the version before
  /// again where that fails: for those who may not wait. Who meets a collected file of the version before
  /// meanwhile is told that it is missing, and not that the version is too old.
  let number: Atomic<UInt64>

  init(
    _ objects: any ObjectStore, _ cold: ColdFiles, _ head: BucketManifest, _ clock: StoreClock
  ) {
    self.objects = objects
    self.cold = cold
    self.clock = clock
    number = Atomic(head.number)
    latest = Monitor(head)
    shown = Monitor(
      Shown(
        manifest: head, listed: clock.monotonicNanoseconds(),
        files: Dictionary(
          head.version.bucketFiles.map { ($0.number, $0.key) }
        ) { first, _ in first }
      ))
  }

  /// The newest version, where it is newer than what is shown. Where it is not, one small request.
  func newer(than shown: inout Shown) throws(BucketError) -> BucketManifest? {
    let now = clock.monotonicNanoseconds()
    let reader = BucketReader(objects)
    if now - shown.listed < Self.trust, try !reader.holdsManifest(shown.manifest.number + 1) {
      return nil
    }
    guard let head = try reader.head(after: shown.manifest.number)?.manifest else {
      shown.listed = now
      return nil
    }
    guard head.version.storeID == shown.manifest.version.storeID else { throw .otherStore }
    shown.listed = now
    return head
  }

  /// Whether the bucket has a newer version than the one that is shown; false where it does not answer.
  var isOvertaken: Bool {
    let number = number.load(ordering: .acquiring)
    return (try? !BucketReader(objects).manifestNumbers(after: number).isEmpty) ?? false
  }
}
