import Testing
import VarvePlatform

@testable import Varve

/// A file that is synced while it grows.
@Suite struct SyncBehindTests {
  private static let step: UInt64 = 2 << 20

  /// ```
  ///   who writes   2 MiB  4 MiB  6 MiB                  finish
  ///   its thread   | sync ....... over | sync ... over |  sync
  /// ```
  @Test func theFileIsSyncedWhileItGrows() throws {
    let file = GatedFile(open: 0)
    let syncing = SyncBehind(file)
    syncing.note(Self.step)
    #expect(file.hasBegun(1))
    // What comes while a sync goes on is for the next one, which is one for all of it.
    syncing.note(2 * Self.step)
    syncing.note(3 * Self.step)
    file.open(1)
    #expect(file.hasBegun(2))
    file.open(2)
    #expect(file.hasFinished(2))
    try syncing.finish()
    #expect(file.steps.map(\.kind) == [.sync, .sync, .sync])
  }

  /// The writer goes on while the device is busy.
  @Test func whoWritesWaitsForNoSync() throws {
    let file = GatedFile(open: 0)
    let isThrough = Monitor(false)
    let writer = try WorkerThread(name: "writer") {
      let syncing = SyncBehind(file)
      for end in 1...8 { syncing.note(UInt64(end) * Self.step) }
      isThrough.withLock { $0 = true }
      isThrough.broadcast()
    }
    let deadline = SystemClock().monotonicNanoseconds() + 10_000_000_000
    #expect(isThrough.wait(until: deadline) { $0 })
    // Whoever waited goes on, so that a failure does not hang.
    file.open(.max / 2)
    writer.join()
  }

  @Test func aSmallFileIsSyncedOnceAtItsEnd() throws {
    let file = GatedFile()
    let syncing = SyncBehind(file)
    syncing.note(100)
    syncing.note(Self.step - 1)
    #expect(file.steps.isEmpty)
    try syncing.finish()
    #expect(file.steps.count == 1)
  }

  /// The bytes after the last sync on the way are durable at the end, however few they are.
  @Test func theEndIsAlwaysSynced() throws {
    let file = GatedFile()
    let syncing = SyncBehind(file)
    syncing.note(Self.step)
    #expect(file.hasFinished(1))
    syncing.note(Self.step + 1)
    try syncing.finish()
    #expect(file.steps.count == 2)
  }

  /// The system tells of a lost page once: the sync at the end would know nothing of it.
  @Test func aSyncThatFailsOnTheWayFailsTheEnd() {
    let file = GatedFile(failing: 0)
    let syncing = SyncBehind(file)
    syncing.note(Self.step)
    #expect(file.hasFinished(1))
    // None is tried after it.
    syncing.note(3 * Self.step)
    #expect(!file.hasBegun(2, withinMilliseconds: 50))
    #expect(throws: FileSystemError.self) { try syncing.finish() }
    #expect(file.steps.count == 1)
  }

  /// Only what was begun already is waited for.
  @Test func aFileThatIsGivenUpIsNotSyncedAnyMore() throws {
    let file = GatedFile(open: 0)
    var syncing: SyncBehind? = SyncBehind(file)
    syncing?.note(Self.step)
    #expect(file.hasBegun(1))
    syncing?.note(3 * Self.step)
    let opener = try WorkerThread(name: "opener") {
      _ = file.hasBegun(2, withinMilliseconds: 50)
      file.open(.max / 2)
    }
    syncing = nil
    #expect(file.hasFinished(1))
    #expect(file.steps.count == 1)
    opener.join()
  }
}
