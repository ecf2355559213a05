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
  @Test func whoWritesWaitsForNoSync() {
    let file = GatedFile(open: 0)
    let syncing = SyncBehind(file)
    for end in 1...8 { syncing.note(UInt64(end) * Self.step) }
    #expect(file.hasBegun(1))
    #expect(!file.steps.isEmpty && file.steps.count < 8)
    file.open(.max / 2)
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

  @Test func aFileThatIsGivenUpIsNotSynced() {
    let file = GatedFile()
    var syncing: SyncBehind? = SyncBehind(file)
    syncing?.note(10)
    syncing = nil
    #expect(file.steps.isEmpty)
  }
}
