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

  /// What tells the file from every other one, by what is in it.
  var contentID: FileID {
    file.object.digest.withByteView { digest in
      FileID(low: digest.uint64(at: 0) ?? 0, high: digest.uint64(at: 8) ?? 0)
    }
  }

  /// Where the tail begins; everything before, but for the header, is blocks or values.
  var tailStart: UInt64 {
    max(min(size, UInt64(FileHeader.byteCount)), size - min(size, file.object.tailBytes))
  }
}

extension ColdPlace {
  /// Up to `count` bytes at `offset`, as far as the file goes.
  func part(_ count: Int, at offset: UInt64) -> Range<UInt64> {
    let start = min(offset, size)
    return start..<start + min(UInt64(count), size - start)
  }
}

/// The files of a store that have a copy in its bucket, and how they are read from there.
final class ColdFiles: Sendable {
  private struct State: Sendable {
    var objects: (any ObjectStore)?
    var whyMissing: @Sendable (BucketFile) -> FileSystemError.RemoteFailure.Kind = { _ in .missing }
    var kept: SlotCache?
    var places: [String: ColdPlace] = [:]
  }

  /// Parts of files that were fetched, in memory.
  let slots: BlockCache
  /// Those that were fetched for who passes through once: readers lose nothing by it.
  let passing: BlockCache
  /// Those that are on their way.
  let flights = SlotFlights()
  /// Open while files of the directory may be changed: not where the store is only looked at.
  let gate = ChangeGate(isOpen: false)
  /// Fetch what long walks come to next; nil where whoever reads does all himself.
  let ahead: ReadThreads?
  private let state = Monitor(State())
  private let reads = Atomic<UInt64>(0)
  private let readBytes = Atomic<UInt64>(0)
  private let memoryHits = Atomic<UInt64>(0)

  /// - Parameter budget: bytes of memory for parts of files that were fetched.
  /// - Parameter readsAhead: whether threads fetch what walks come to next.
  init(budget: Int, readsAhead: Bool = false) {
    ahead = readsAhead ? ReadThreads() : nil
    passing = BlockCache(budget: budget / 4)
    slots = BlockCache(budget: budget - budget / 4)
  }

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

  /// Those of `files` that were known to lie elsewhere.
  func moved(_ files: [BucketFile]) -> [BucketFile] {
    state.withLock { state in
      files.filter { file in
        state.places[file.name.description].map { $0.file != file } ?? false
      }
    }
  }

  /// Nobody reads the file any more.
  func forget(_ name: String) {
    let place = state.withLock { $0.places.removeValue(forKey: name) }
    guard let place else { return }
    for cache in [slots, passing] { cache.forget(file: place.file.number) }
    kept?.forget(file: place.contentID)
  }

  /// Forgets all that was fetched of a file: something of it was damaged.
  func discard(_ place: ColdPlace) {
    for cache in [slots, passing] { cache.forget(file: place.file.number) }
    kept?.erase(file: place.contentID)
  }

  /// Sets whom to ask; nil where the store was opened without its bucket.
  ///
  /// - Parameter kept: slots on this machine's disk.
  /// - Parameter keepsEnds: whether what was fetched is written to the directory: not where the store is only
  ///   looked at.
  func connect(_ objects: (any ObjectStore)?, _ kept: SlotCache? = nil, keepsEnds: Bool) {
    state.withLock { ($0.objects, $0.kept) = (objects, kept) }
    if keepsEnds { gate.open() }
  }

  /// Sets who knows why a copy may be missing.
  func explainMissing(
    _ why: @escaping @Sendable (BucketFile) -> FileSystemError.RemoteFailure.Kind
  ) {
    state.withLock { $0.whyMissing = why }
  }

  /// From here on nothing changes files of the directory: waits for those who do.
  func letGo() {
    ahead?.close()
    gate.close()
  }

  /// Slots on the local disk; nil where none are kept.
  var kept: SlotCache? { state.withLock { $0.kept } }

  /// The files that somebody on this machine may read from there.
  var placeNames: Set<String> { Set(state.withLock { $0.places.keys }) }

  func place(of name: String) -> ColdPlace? { state.withLock { $0.places[name] } }

  /// What reading cold files took so far.
  struct Metrics: Sendable {
    /// Requests for parts of files, and the bytes they brought.
    var reads: UInt64
    var bytes: UInt64
    /// Slots that were found in memory, and on disk.
    var memoryHits: UInt64
    var diskHits: UInt64
    /// Bytes of the slots on disk.
    var diskBytes: UInt64
  }

  var metrics: Metrics {
    let kept = kept
    return Metrics(
      reads: reads.load(ordering: .relaxed), bytes: readBytes.load(ordering: .relaxed),
      memoryHits: memoryHits.load(ordering: .relaxed), diskHits: kept?.hits ?? 0,
      diskBytes: kept?.bytes ?? 0)
  }

  func count(memoryHits count: Int) { memoryHits.add(UInt64(count), ordering: .relaxed) }

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
      if error.code == .absent { failure.kind = state.withLock { $0.whyMissing }(place.file) }
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
