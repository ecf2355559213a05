package import Varve
import VarvePlatform
package import VarveSimulation

extension FileSystemKind {
  /// Lends a way to open, again and again, a store in a directory that is gone afterwards. All
  /// background work is done inline, so that a test sees its effects.
  package func withStores<Result>(
    options: StoreOptions = .small, clock: SimulatedClock = SimulatedClock(),
    background: StoreComponents.Background = .inline,
    _ body: (_ open: () throws -> SegmentStore) throws -> Result
  ) throws -> Result {
    try withDirectory { _, fileSystem, path in
      let components = StoreComponents(
        fileSystem: fileSystem, clock: clock, random: SimulatedRandom(seed: 1),
        background: background)
      return try body {
        try SegmentStore.open(at: path, options: options, components: components)
      }
    }
  }
}

extension StoreOptions {
  /// Small tables and segments, so that a little data exercises everything.
  package static var small: StoreOptions {
    var options = StoreOptions()
    options.memoryBudget = 8 << 20
    options.segmentBytes = 256 << 10
    options.firstLogBytes = 16 << 10
    return options
  }
}
