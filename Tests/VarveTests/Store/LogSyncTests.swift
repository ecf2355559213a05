import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// The system tells of a page that could not be written once, in the sync that asks first: nobody else
/// may take what it says next for the truth.
@Suite struct LogSyncTests {
  /// A store with a spare of whose syncs one fails.
  private struct Setting {
    let store: SegmentStore
    let spare: LogWriter
    private let file: FailingLogFile

    init(failing: Int) throws {
      let (tested, _) = try TestedStore.simulated()
      store = try tested.open()
      try store.put("before", [1])
      let log = store.engine.log
      let made = try LogWriter.create(
        LogIdentity(number: try store.engine.numbers.next(), salt: 7), storeTag: log.storeTag,
        capacity: 64 << 10, in: log.directory)
      file = FailingLogFile(made.file, failing: failing)
      spare = LogWriter(identity: made.identity, file: file, isBlank: true)
    }

    /// A thread that has begun to sync the spare.
    func beginSyncing() throws -> WorkerThread {
      let thread = try WorkerThread(name: "syncing") { [spare] in _ = try? spare.sync() }
      file.waitForSync()
      return thread
    }

    /// The spare in its next life.
    func recycled() throws -> LogWriter {
      let log = store.engine.log
      return try LogWriter.recycle(
        spare, as: LogIdentity(number: try store.engine.numbers.next(), salt: 8),
        storeTag: log.storeTag, in: log.directory)
    }
  }

  @Test func aCommitLearnsThatItsPageWasLostInAnotherSyncOfItsLog() throws {
    let setting = try Setting(failing: 1)
    let (store, log) = (setting.store, setting.store.engine.log)
    let syncing = try setting.beginSyncing()
    log.state.withLock { $0.spare = setting.spare }
    try store.engine.alone { () throws(StoreError) in try store.engine.freezeMemTable() }
    #expect(log.end?.log == setting.spare.number)
    #expect(try storeFailure { try store.put("lost", [2]) }?.code == .poisoned)
    syncing.join()
    #expect(try storeFailure { try store.put("later", [3]) }?.code == .poisoned)
  }

  @Test func theHeaderOfANextLifeIsNotTakenForDurableWhereAnotherSyncFailed() throws {
    let setting = try Setting(failing: 1)
    let syncing = try setting.beginSyncing()
    let failure = { () -> FileSystemError? in
      do { _ = try setting.recycled() } catch { return error as? FileSystemError }
      return nil
    }()
    #expect(failure?.operation == .sync)
    syncing.join()
  }

  /// Whoever still has the file under its old name comes to sync it.
  @Test func whatFailsInOneLifeOfAFileFailsInTheNext() throws {
    let setting = try Setting(failing: 2)
    let again = try setting.recycled()
    try [UInt8](repeating: 0, count: 24).withByteView {
      try setting.spare.append($0, at: setting.spare.end)
    }
    #expect(throws: FileSystemError.self) { try setting.spare.sync() }
    #expect(throws: FileSystemError.self) { try again.sync() }
  }
}

/// A sync that comes while a log is cut to its length is not taken for the one that makes the cut durable.
@Suite struct LogCutTests {
  @Test func aCutIsMadeDurableThoughAnotherSyncCameBetween() throws {
    let directory = try SimulatedFileSystem().openDirectory(at: "store", create: true)
    let made = try LogWriter.create(
      LogIdentity(number: 3, salt: 7), storeTag: 1, capacity: 64 << 10, in: directory)
    let file = CutLogFile(made.file)
    let log = LogWriter(identity: made.identity, file: file, isBlank: true)
    try [UInt8](repeating: 0, count: 32).withByteView { try log.append($0, at: log.end) }
    let other = Monitor<WorkerThread?>(nil)
    file.beforeCut.withLock { body in
      body = {
        let thread = try? WorkerThread(name: "syncing") { try? log.sync() }
        other.withLock { $0 = thread }
      }
    }
    try log.cut()
    other.withLock { $0 }?.join()
    try log.sync()
    #expect(file.isCutDurable)
  }
}

/// What is durable already is not synced again.
@Suite struct NeedlessSyncTests {
  @Test func aLogIsSyncedOnceForEachChange() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    try store.put("key", [1])
    let before = disk.counts.syncs
    try store.sync()
    try store.sync()
    #expect(disk.counts.syncs == before)
    try store.put("key", [2])
    #expect(disk.counts.syncs == before + 1)
    try store.close()
  }

  /// A sync by whoever asks first is one for all names that are there.
  @Test func aDirectoryIsSyncedOnceForEachName() throws {
    let disk = SimulatedFileSystem()
    let directory = GuardedDirectory(
      try disk.openDirectory(at: "store", create: true), poison: Poison())
    func syncs(_ body: () throws -> Void) throws -> Int {
      let before = disk.counts.syncs
      try body()
      return disk.counts.syncs - before
    }
    #expect(try syncs { try directory.sync() } == 0)
    for change in [
      { _ = try directory.create("a") }, { _ = try directory.createLog("b", capacity: 4096) },
      { try directory.rename("a", to: "c") }, { try directory.renameNew("c", to: "d") },
    ] {
      try change()
      #expect(try syncs { try directory.sync() } == 1)
      #expect(try syncs { try directory.sync() } == 0)
    }
    try directory.remove("d")
    #expect(try syncs { try directory.sync() } == 0)
    // Names that somebody else made, before the first change: one sync.
    directory.inherit()
    #expect(try syncs { try directory.remove("b") } == 1)
    #expect(try syncs { try directory.sync() } == 0)
  }
}

/// A log file of which one sync fails, and later ones say that all is well, as the system does. The
/// failing one takes its time, or until another one begins.
private final class FailingLogFile: LogFile {
  private static let patience: UInt64 = 100_000_000

  private let file: any LogFile
  private let failing: Int
  private let calls: Monitor<Int>

  init(_ file: any LogFile, failing: Int, _ calls: Monitor<Int> = Monitor(0)) {
    self.file = file
    self.failing = failing
    self.calls = calls
  }

  /// Returns when the first sync has begun.
  func waitForSync() { _ = calls.wait { $0 > 0 } }

  func sync() throws(FileSystemError) {
    let number = calls.withLock { count in
      count += 1
      return count
    }
    calls.broadcast()
    guard number == failing else { return }
    _ = calls.wait(until: SystemClock().monotonicNanoseconds() + Self.patience) {
      $0 > number
    }
    throw FileSystemError(.sync, .device, path: name)
  }

  func renamed(_ name: String) -> any LogFile {
    FailingLogFile(file.renamed(name), failing: failing, calls)
  }

  var name: String { file.name }

  var capacity: UInt64 { file.capacity }

  var isReusable: Bool { file.isReusable }

  func writeHeader(_ header: ByteView) throws(FileSystemError) { try file.writeHeader(header) }

  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    try file.append(bytes, at: offset)
  }

  func truncate(to size: UInt64) throws(FileSystemError) { try file.truncate(to: size) }

  func close() throws(FileSystemError) { try file.close() }
}

/// A log file that calls somebody before it is cut, gives that one some time, and knows whether it was synced
/// since.
private final class CutLogFile: LogFile {
  private struct State {
    var syncs = 0
    var isCutDurable = false
  }

  private static let patience: UInt64 = 100_000_000

  let beforeCut = Monitor<@Sendable () -> Void>({})
  private let file: any LogFile
  private let state = Monitor(State())

  init(_ file: any LogFile) { self.file = file }

  var isCutDurable: Bool { state.withLock { $0.isCutDurable } }

  func sync() throws(FileSystemError) {
    state.withLock { ($0.syncs, $0.isCutDurable) = ($0.syncs + 1, true) }
    state.broadcast()
  }

  func truncate(to size: UInt64) throws(FileSystemError) {
    beforeCut.withLock { $0 }()
    let deadline = SystemClock().monotonicNanoseconds() + Self.patience
    _ = state.wait(until: deadline) { $0.syncs > 0 }
    try file.truncate(to: size)
    state.withLock { $0.isCutDurable = false }
  }

  func renamed(_ name: String) -> any LogFile { CutLogFile(file.renamed(name)) }

  var name: String { file.name }

  var capacity: UInt64 { file.capacity }

  var isReusable: Bool { file.isReusable }

  func writeHeader(_ header: ByteView) throws(FileSystemError) { try file.writeHeader(header) }

  func append(_ bytes: ByteView, at offset: UInt64) throws(FileSystemError) {
    try file.append(bytes, at: offset)
  }

  func close() throws(FileSystemError) { try file.close() }
}
