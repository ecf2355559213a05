package import VarvePlatform

/// The parts of the world a store works with; a simulator puts its own in their place.
package struct StoreComponents: Sendable {
  /// Who does the work that need not be waited for.
  package enum Background: Sendable {
    /// Threads of the store's own.
    case threads
    /// The thread that caused it, before its call returns: every run is the same.
    case inline
    /// Nobody: only `flush` and `compact` do such work.
    case none
  }

  package var fileSystem: any FileSystem
  package var clock: any Clock
  package var random: any RandomSource
  package var background: Background

  package init(
    fileSystem: any FileSystem, clock: any Clock, random: any RandomSource,
    background: Background
  ) {
    self.fileSystem = fileSystem
    self.clock = clock
    self.random = random
    self.background = background
  }
}
