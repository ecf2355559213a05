import Testing
import VarveFormat
import VarvePlatform
import VarveSimulation
import VarveTestSupport

@testable import Varve

/// Logs cut or damaged at different places, of stores that were closed, crashed after syncs, and
/// crashed without any. (53)
@Suite struct TornLogBehaviourTests {
  enum Ending: CaseIterable {
    /// The manifest names each log's length.
    case closed
    /// Every entry was acknowledged as synced.
    case synced
    /// Nothing was ever synced.
    case buffered
  }

  enum Harm: CaseIterable {
    case cut
    case damage
  }

  /// Three logs with entries, at rest.
  private static func make(_ ending: Ending) throws -> (SimulatedFileSystem, NumberedEntries) {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.fillLogs(3, of: tested, store, ending == .buffered ? .buffered : .synced)
    if ending == .closed { try store.close() }
    return (disk.crashImage(.everything), entries)
  }

  private static func harm(
    _ harm: Harm, _ name: String, at percent: Int, of image: TestedStore
  ) throws {
    var bytes = try image.bytes(name)
    let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
    let place = used * percent / 100
    switch harm {
    case .cut: bytes.removeSubrange(place...)
    case .damage: for index in place..<place + used / 10 { bytes[index] ^= 0x55 }
    }
    try image.replace(name, bytes)
  }

  @Test(arguments: Ending.allCases, Harm.allCases)
  func aHarmedLogRefusesOrGivesAPrefixAsWasProved(_ ending: Ending, _ harm: Harm) throws {
    let (disk, entries) = try Self.make(ending)
    for log in 0..<3 {
      for percent in [0, 30, 60] {
        let image = try TestedStore.afterCrash(of: disk, .everything)
        let name = try image.names(.log)[log]
        try Self.harm(harm, name, at: percent, of: image)
        let what = "\(ending), \(harm), log \(log) at \(percent) %"
        // A log without a header is as good as none: what is named then is a log beside the gap.
        let isEmptied = harm == .cut && percent == 0 && ending == .synced
        let isRefused = try Self.isRefused(image, naming: isEmptied ? nil : name, entries, what)
        switch ending {
        case .closed: #expect(isRefused, "\(what)")
        case .buffered:
          // A file header is synced before the first record: without it the log is no log.
          #expect(!isRefused || (percent == 0 && harm == .damage), "\(what)")
        case .synced:
          // The newest log alone knows how far it was synced.
          if log < 2 || (harm == .damage && percent < 60) { #expect(isRefused, "\(what)") }
        }
      }
    }
  }

  /// Whether opening refuses; where it does not, a prefix must be there, and be there again.
  private static func isRefused(
    _ image: TestedStore, naming name: String?, _ entries: NumberedEntries, _ what: String
  ) throws -> Bool {
    let error = try storeFailure {
      let store = try image.open()
      let count = entries.prefix(try store.content())
      #expect(count != nil, "\(what)")
      #expect(image.lastOpening?.entries == count)
      try store.close()
      #expect(entries.prefix(try image.reopenedContent()) == count, "\(what)")
    }
    guard let error else { return false }
    #expect(error.code == .corrupted && error.offset != nil, "\(what) \(error)")
    #expect(error.file == name || name == nil && error.file?.hasPrefix("log-") == true, "\(what)")
    return true
  }

  /// Every length of the newest log, as a crash may leave it.
  @Test func aTornTailOfAnyLengthReplaysToAPrefixAndSaysHowMuchIsDropped() throws {
    let (tested, disk) = try TestedStore.simulated()
    let store = try tested.open()
    var entries = NumberedEntries()
    try entries.write(6, to: store, .buffered)
    let name = try #require(try tested.names(.log).last)
    let full = disk.crashImage(.everything)
    let whole = try TestedStore(full, "store").bytes(name)
    let used = (whole.lastIndex { $0 != 0 } ?? 0) + 1
    var ends: Set<Int> = []
    for length in stride(from: 64, to: used, by: 7) {
      let image = try TestedStore(full.crashImage(.everything), "store")
      try image.replace(name, Array(whole.prefix(length)))
      let recovered = try image.open { $0.access = .readOnly }
      let count = try #require(entries.prefix(try recovered.content()))
      ends.insert(count)
      let opening = try #require(image.lastOpening)
      #expect(opening.entries == count)
      // Whole records before the cut are kept, and what is behind them counted.
      #expect(opening.tornBytes < 400)
      #expect(opening.tornBytes == 0 || count < entries.count)
      try recovered.close()
    }
    #expect(ends == Set(0...5))
  }
}
