import Varve
import VarveSimulation
import VarveTestSupport

/// The machine on which a golden store is made: nothing about it depends on when or where it runs.
///
/// One thread, one seed for identities and salts, a clock that moves when it is told to.
struct GoldenMachine {
  /// Every dump shows what is there at this moment, 10 seconds after the machine began.
  static let nowMilliseconds: UInt64 = 1_700_000_010_000

  private(set) var disk = SimulatedFileSystem(seed: 1)
  let clock = SimulatedClock()
  var random = SeededRandom(seed: 1)
  private let identities = SimulatedRandom(seed: 1)

  /// Opens the store at `store`.
  func open() throws -> SegmentStore {
    try SegmentStore.open(
      at: "store", options: .small,
      components: StoreComponents(
        fileSystem: disk, clock: clock, random: identities, background: .inline))
  }

  /// Cuts the power: what goes on is the disk that is left.
  mutating func crash(_ mode: CrashMode) { disk = disk.crashImage(mode, seed: 1) }

  /// The files of the store by name, the lock left out.
  var files: [String: [UInt8]] {
    Dictionary(
      uniqueKeysWithValues: disk.contents().compactMap { path, bytes in
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name == "lock" ? nil : (name, bytes)
      })
  }

  /// Opens these files as a store of their own.
  static func open(
    _ files: [String: [UInt8]], _ access: StoreOptions.Access, _ readMode: StoreOptions.ReadMode
  ) throws -> (store: SegmentStore, disk: SimulatedFileSystem) {
    let disk = SimulatedFileSystem(seed: 2)
    _ = try disk.openDirectory(at: "store", create: true)
    for (name, bytes) in files { try disk.place(bytes, at: "store/\(name)") }
    var options = StoreOptions.small
    (options.access, options.readMode, options.createIfMissing) = (access, readMode, false)
    let store = try SegmentStore.open(
      at: "store", options: options,
      components: StoreComponents(
        fileSystem: disk, clock: SimulatedClock(wallMilliseconds: nowMilliseconds),
        random: SimulatedRandom(seed: 2), background: .inline))
    return (store, disk)
  }
}
