import Synchronization
import VarveFormat
import VarveObjects
import VarvePlatform

/// Where the copy of a file lies in the bucket.
struct ColdPlace: Sendable, Equatable {
  var file: BucketFile
  /// Bytes of the file.
  var size: UInt64

  var object: ObjectName { BucketLayout.file(file) }

  /// Where the tail begins; everything before, but for the header, is blocks or values.
  var tailStart: UInt64 {
    max(min(size, UInt64(FileHeader.byteCount)), size - min(size, file.object.tailBytes))
  }
}

/// The files of a store that have a copy in its bucket, and how they are read from there.
final class ColdFiles: Sendable {
  private struct State: Sendable {
    var objects: (any ObjectStore)?
    var keepsEnds = false
    var whyMissing: @Sendable () -> FileSystemError.RemoteFailure.Kind = { .missing }
    var places: [String: ColdPlace] = [:]
  }

  /// Parts of files that were fetched.
  let slots: BlockCache
  private let state = Monitor(State())
  private let reads = Atomic<UInt64>(0)
  private let readBytes = Atomic<UInt64>(0)

  /// - Parameter budget: bytes of memory for parts of files that were fetched.
  init(budget: Int) { slots = BlockCache(budget: budget) }

  /// Names those files of `live` that `head` says are in the bucket. What was named before stays known: a
  /// reader of an older version may still need it.
  func add(_ head: BucketManifest, among live: Manifest) {
    let wanted = Set(live.bucketFiles.map(\.key))
    state.withLock { state in
      for (file, local) in zip(head.files, head.version.bucketFiles)
      where wanted.contains(local.key) {
        state.places[file.name.description] = ColdPlace(file: file, size: local.size)
      }
    }
  }

  /// Nobody reads the file any more.
  func forget(_ name: String) {
    let place = state.withLock { $0.places.removeValue(forKey: name) }
    if let place { slots.forget(file: place.file.number) }
  }

  /// Sets whom to ask; nil where the store was opened without its bucket.
  ///
  /// - Parameter keepsEnds: whether ends that were fetched are written to the directory: not where the store
  ///   is only looked at.
  func connect(_ objects: (any ObjectStore)?, keepsEnds: Bool) {
    state.withLock { ($0.objects, $0.keepsEnds) = (objects, keepsEnds) }
  }

  /// Sets who knows why a copy may be missing.
  func explainMissing(_ why: @escaping @Sendable () -> FileSystemError.RemoteFailure.Kind) {
    state.withLock { $0.whyMissing = why }
  }

  var keepsEnds: Bool { state.withLock { $0.keepsEnds } }

  /// The files that somebody on this machine may read from there.
  var placeNames: Set<String> { Set(state.withLock { $0.places.keys }) }

  func place(of name: String) -> ColdPlace? { state.withLock { $0.places[name] } }

  /// Requests for parts of files, and the bytes they brought.
  var metrics: (reads: UInt64, bytes: UInt64) {
    (reads.load(ordering: .relaxed), readBytes.load(ordering: .relaxed))
  }

  /// Bytes of a file, by one request.
  func fetch(
    _ range: Range<UInt64>, of place: ColdPlace
  ) throws(FileSystemError) -> [UInt8] {
    let name = place.file.name.description
    guard Waiting.isAllowed else {
      throw FileSystemError(.read, .remote(.init(.waits, "lies in the bucket")), path: name)
    }
    guard let objects = state.withLock({ $0.objects }) else {
      throw FileSystemError(
        .read, .remote(.init(.unavailable, "lies in the bucket: open the store with it")),
        path: name)
    }
    do throws(ObjectStoreError) {
      let part = try objects.read(
        place.object, .bytes(offset: range.lowerBound, count: range.count))
      reads.add(1, ordering: .relaxed)
      readBytes.add(UInt64(part.bytes.count), ordering: .relaxed)
      guard part.objectSize == place.size, part.bytes.count == range.count else {
        throw ObjectStoreError(
          .damaged, "the copy has \(part.objectSize) bytes instead of \(place.size)",
          object: place.object.description)
      }
      return part.bytes
    } catch {
      var failure = FileSystemError.RemoteFailure(error)
      if error.code == .absent { failure.kind = state.withLock { $0.whyMissing }() }
      throw FileSystemError(.read, .remote(failure), path: name)
    }
  }
}

extension FileSystemError.RemoteFailure {
  init(_ error: ObjectStoreError) {
    let kind: Kind =
      switch error.code {
      case .absent: .missing
      case .archived: .archived
      case .damaged: .damaged
      case .denied: .denied
      case .cancelled: .closed
      default: .unavailable
      }
    self.init(kind, "the copy in the bucket: \(error)")
  }
}
