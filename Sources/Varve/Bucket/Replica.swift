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

  /// What is known of the bucket without asking it.
  struct Known: Sendable {
    /// The version that is shown.
    var latest: BucketManifest
    /// The one that is to be, while what that takes is read of it.
    var next: BucketManifest?
  }

  /// Longer than this nobody relies on it that the next manifest has the next number: it may have been
  /// collected, with newer ones behind it.
  private static let trust: UInt64 = 600_000_000_000

  let objects: any ObjectStore
  let cold: ColdFiles
  private let clock: StoreClock
  /// The version that is shown. Held while the next one is looked for, and shown.
  let shown: Monitor<Shown>
  /// The same for those who do not wait while the next one is looked for. Held while a version is shown, with its
  /// list of keyspaces.
  let known: Monitor<Known>

  init(
    _ objects: any ObjectStore, _ cold: ColdFiles, _ head: BucketManifest, _ clock: StoreClock
  ) {
    self.objects = objects
    self.cold = cold
    self.clock = clock
    known = Monitor(Known(latest: head))
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

  /// Why a copy is not there, of which somebody reads: it went with a version that is not the newest any more, or it
  /// is lost. What no version has that is shown, or is to be, is only in a snapshot's or a cursor's. For the others
  /// one request tells; `.unavailable` where the bucket does not answer it.
  func whyMissing(_ file: BucketFile) -> FileSystemError.RemoteFailure.Kind {
    let known = known.withLock { $0 }
    let versions = [known.next, known.latest].compactMap { $0 }
    guard let version = versions.first(where: { $0.files.contains(file) }) else {
      return .overtaken
    }
    do throws(BucketError) {
      let newer = try BucketReader(objects).manifestNumbers(after: version.number)
      return newer.isEmpty ? .missing : .overtaken
    } catch {
      return error.isDamage ? .missing : .unavailable
    }
  }
}
