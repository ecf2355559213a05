import Varve
import VarveFormat
import VarveObjects
import VarvePlatform
import VarveSimulation
import VarveTestSupport

extension FuzzTarget {
  /// All of a bucket, as an archive of its objects.
  static let tree = FuzzTarget(
    "tree", upTo: 24 << 10, sign: { $0.signTree() }, change: Archive.change,
    read: { bytes in
      let exam = BucketExam(Archive(bytes.array), bytes.count % 2 == 0 ? .mapped : .buffered)
      exam.look()
      exam.restore()
      exam.follow()
    })
}

/// A bucket of objects that anybody may have put there: looked at, restored from and followed by machines that have
/// nothing.
struct BucketExam {
  private let machine: CrashMachine
  private let opening: CrashMachine.Opening

  init(_ archive: Archive, _ mode: StoreOptions.ReadMode) {
    let bucket = SimulatedBucket()
    for member in archive.members {
      if let name = ObjectName(member.name) { bucket.place(member.bytes, as: name) }
    }
    machine = CrashMachine(SimulatedFileSystem(), bucket: bucket)
    var opening = CrashMachine.Opening()
    opening.options.readMode = mode
    self.opening = opening
  }

  /// What `body` gives; nil where it is refused, by an error that says what to do next: nothing fails here but what
  /// the objects are.
  @discardableResult
  private func attempt<Result>(_ body: () throws -> Result) -> Result? {
    do { return try body() } catch {
      let code = (error as? StoreError)?.code
      promise(
        code.map { ![.inputOutput, .full, .poisoned, .locked, .closed].contains($0) } ?? false,
        "\(error)")
      let isNamed = code != .corrupted || (error as? StoreError)?.file != nil
      promise(isNamed, "damage without a name: \(error)")
      return nil
    }
  }

  // MARK: - From outside

  /// What is told without a store.
  func look() {
    guard let bucket = machine.bucket else { return }
    attempt { _ = try SegmentStore.bucketVersions(in: bucket.connect()) }
    attempt { _ = try SegmentStore.bucketUsage(in: bucket.connect()) }
  }

  // MARK: - By another machine

  /// Makes a store from the bucket, reads all, lets it rewrite and upload itself, and collect; and reads again.
  func restore() {
    let other = machine.elsewhere()
    guard let store = attempt({ try other.restore(opening) }) else { return }
    let before = attempt { try content(of: store) }
    let isHere = attempt { try store.prefetch() } != nil
    let acts: [() throws -> Void] = [
      { try store.keyspace("default").put("a key of the fuzzer", "written", durability: .remote) },
      { try store.flush() }, { try store.compact() }, { try store.upload() }, { try store.evict() },
      { _ = try store.collectBucket(grace: 0) },
    ]
    let isRewritten = acts.map { attempt($0) != nil }.allSatisfy(\.self)
    let after = attempt { try content(of: store) }
    let isClosed = attempt { try store.close() } != nil
    // Where nothing was refused nothing is lost.
    guard var before, isHere, isRewritten, isClosed else { return }
    before["default"]?[Array("a key of the fuzzer".utf8)] = Array("written".utf8)
    promise(after == before, "a restored store that was rewritten holds something else")
    let again: SegmentStore
    do { again = try other.open(opening) } catch {
      // What nobody had named before may stand in the bucket where the next log does: damaged, or another's.
      let error = error as? StoreError
      let isOfBucket = error?.code == .fenced || error?.file?.hasPrefix("simulated/") ?? false
      return promise(
        isOfBucket,
        "a restored store that was rewritten does not open: \(String(describing: error))")
    }
    promise(attempt { try content(of: again) } == before, "a restored store opens as another")
    attempt { try again.close() }
  }

  /// Shows what is there as it changes: once, as nobody changes it.
  func follow() {
    let other = machine.elsewhere()
    guard let replica = attempt({ try other.openReplica(opening) }) else { return }
    let snapshot = attempt { try replica.snapshot() }
    let first = attempt { try content(of: replica) }
    let isSame = attempt { try replica.refresh() } == false
    let second = attempt { try content(of: replica) }
    promise(
      !isSame || first == nil || second == nil || first == second, "a replica changes its mind")
    if let snapshot {
      for keyspace in replica.keyspaces { attempt { try keyspace.entries(at: snapshot) } }
    }
    attempt { try replica.close() }
  }

  private func content(of store: SegmentStore) throws -> CrashWorkload.Content {
    try CrashWorkload.content(of: store)
  }
}

// MARK: - Signing

extension Signed {
  /// Signs each object as what its name says it is; where it is put right, as of the store that the bucket says.
  mutating func signTree() {
    var archive = Archive(bytes)
    let store = archive.members.first { $0.name == BucketLayout.store.description }
      .map { Signed($0.bytes, isRepaired: isRepaired) }
    for index in archive.members.indices {
      let name = archive.members[index].name
      var object = Signed(archive.members[index].bytes, isRepaired: isRepaired)
      object.sign(asObject: name, of: store)
      archive.members[index].bytes = object.bytes
    }
    replace(with: archive.bytes)
  }

  private mutating func sign(asObject name: String, of store: Signed?) {
    if name.hasSuffix(".segment") { return signSegment() }
    if name.hasSuffix(".values") { return signValueFile() }
    if isRepaired {
      if let number = name.split(separator: "/").last.flatMap({ UInt64($0) }) {
        put(number, at: 16)
      }
      if let store {
        put(store.uint64(at: 24), at: 24)
        put(store.uint64(at: 32), at: 32)
      }
    }
    signObject()
  }
}
