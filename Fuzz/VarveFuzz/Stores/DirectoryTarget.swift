import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

extension FuzzTarget {
  /// The whole directory of a store, as an archive.
  static let directory = FuzzTarget(
    "directory", upTo: 24 << 10, sign: { $0.signArchive() }, change: Archive.change,
    read: { bytes in
      // Each input is read in one of the two ways, which any change of its length changes.
      let exam = try DirectoryExam(
        Archive(bytes.array), bytes.count % 2 == 0 ? .mapped : .buffered)
      let isSound = exam.isSound()
      let content = exam.read(mustSucceed: isSound)
      exam.rewrite(of: isSound ? content : nil)
    })
}

/// A store made of files that anybody may have written: checked, read, written to and read again.
struct DirectoryExam {
  /// By names as bytes: of two that Unicode calls equivalent each is one.
  typealias Content = [KeyspaceName: [[UInt8]: [UInt8]]]

  /// Nobody needs to follow a hostile index for ever.
  static let mostEntries = 3_000

  private let disk = SimulatedFileSystem()
  private let mode: StoreOptions.ReadMode

  init(_ archive: Archive, _ mode: StoreOptions.ReadMode) throws {
    self.mode = mode
    _ = try disk.openDirectory(at: "store", create: true)
    for member in archive.members
    where ![".", "..", ""].contains(member.name) && !member.name.contains("/") {
      // A name that no file can have is left out.
      try? disk.place(member.bytes, at: "store/\(member.name)")
    }
  }

  private func open(_ access: StoreOptions.Access) throws -> SegmentStore {
    var options = StoreOptions.small
    options.readMode = mode
    options.access = access
    options.createIfMissing = false
    return try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: disk, clock: SimulatedClock(), random: SimulatedRandom(seed: 3),
        background: .inline))
  }

  /// What `body` gives; nil where it is refused, as damaged input is.
  func attempt<Result>(_ body: () throws -> Result) -> Result? {
    do { return try body() } catch {
      guard let error = error as? StoreError else {
        promise(false, "\(error)")
        return nil
      }
      let isDamage =
        [.corrupted, .incompatible].contains(error.code) && error.file != nil
        && error.offset != nil
      // What is read may be put together into a version that could not be read back; numbers may be
      // used up.
      let isRefused = [.invalid, .limit, .notFound, .notEmpty].contains(error.code)
      promise(isDamage || isRefused, "\(error)")
      return nil
    }
  }
}

// MARK: - Reading

extension DirectoryExam {
  /// Whether the deep check finds no damage.
  func isSound() -> Bool {
    let findings = attempt {
      var count = 0
      try StoreVerifier(at: "store", on: disk).run(.deep) { finding in
        _ = finding.description
        if finding.severity == .damage { count += 1 }
      }
      return count
    }
    return findings == 0
  }

  /// What is in the store, read in every way; nil where it is refused.
  func read(mustSucceed: Bool) -> Content? {
    let content = attempt {
      let store = try open(.readOnly)
      _ = store.metrics()
      _ = store.spaceNeededToCompact()
      let found = allEntries(of: store, isSound: mustSucceed)
      try store.close()
      return found
    }
    promise(!mustSucceed || content ?? nil != nil, "what was found sound is refused")
    return content ?? nil
  }

  /// All entries, each asked for as well; nil where any is refused.
  private func allEntries(of store: SegmentStore, isSound: Bool) -> Content? {
    var content: Content? = [:]
    for keyspace in store.keyspaces {
      let forward = attempt { try entries(of: keyspace, .ascending) }
      let backward = attempt { try entries(of: keyspace, .descending) }
      _ = attempt { try keyspace.approximateSize() }
      for entry in (forward ?? []).prefix(60) {
        let found = attempt { try keyspace.value(for: entry.key) }
        // A forged filter hides what is there; where nothing is wrong, nothing is hidden.
        promise(!isSound || found == entry.value, "an entry that was seen is not found")
      }
      guard let forward, let backward else {
        content = nil
        continue
      }
      promise(
        forward == backward.reversed() || forward.count > Self.mostEntries, "not the same back")
      look(for: forward, in: keyspace, of: store, isSound: isSound)
      content?[KeyspaceName(keyspace.name)] = Dictionary(forward.map { ($0.key, $0.value) }) { $1 }
    }
    return content
  }

  private func entries(of keyspace: Keyspace, _ order: ScanOrder) throws -> [KeyValue] {
    var found: [KeyValue] = []
    var cursor = try keyspace.cursor(order: order)
    while found.count <= Self.mostEntries, try cursor.next() {
      let entry = KeyValue([UInt8](copying: cursor.key), [UInt8](copying: cursor.value))
      if let last = found.last {
        let step = last.key.order(against: entry.key)
        promise(order == .ascending ? step < 0 : step > 0, "a scan shows keys out of order")
      }
      found.append(entry)
    }
    return found
  }
}

// MARK: - Writing

extension DirectoryExam {
  /// Writes to the store, lets it rewrite itself and reads it again.
  ///
  /// - Parameter content: what must be there, where that is known.
  func rewrite(of content: Content?) {
    // What a later version wrote may be read, and must not be written to.
    var isReadOnly = false
    let store = attempt {
      do { return try open(.readWrite) } catch let error as StoreError {
        isReadOnly = error.code == .incompatible
        throw error
      }
    }
    guard let store else {
      return promise(
        content == nil || isReadOnly, "what was found sound cannot be opened to write")
    }
    var expected = content
    let before = attempt { try store.snapshot() }
    let key = Array("a key of the fuzzer".utf8)
    let isWritten = attempt { try store.keyspace("default").put(key, [1, 2, 3]) } != nil
    if isWritten { expected?[KeyspaceName("default")]?[key] = [1, 2, 3] } else { expected = nil }
    let acts = [{ try store.flush() }, { try store.compact() }]
    for act in acts where attempt(act) == nil { expected = nil }
    let found = allEntries(of: store, isSound: content != nil)
    promise(expected == nil || found == expected, "a store that was rewritten holds something else")
    if let before, let content, expected != nil { check(before, of: store, shows: content) }
    let isClosed = attempt { try store.close() } != nil
    guard expected != nil else { return }
    promise(isClosed, "a store that is sound is not closed")
    promise(isSound(), "a store that was rewritten is not sound")
    promise(
      read(mustSucceed: true) == expected, "a store that was opened again holds something else")
  }
}
