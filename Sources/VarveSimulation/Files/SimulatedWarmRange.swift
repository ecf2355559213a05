import VarveFormat
import VarvePlatform

/// A part of a simulated file that is stored into.
///
/// A store is no call: no fault strikes it, and nobody is told of a machine that died. It changes the disk all
/// the same, so it counts as a step, at which the machine can die.
final class SimulatedWarmRange: WarmRange {
  let range: Range<UInt64>
  private let name: String
  private let system: SimulatedFileSystem
  private let opened: OpenHandle

  /// A range that was reserved and holds zeros.
  init(
    _ range: Range<UInt64>, of opened: OpenHandle, _ name: String, in system: SimulatedFileSystem
  ) {
    self.range = range
    self.name = name
    self.system = system
    self.opened = opened
  }

  func store(_ bytes: ByteView, at offset: UInt64) {
    precondition(
      offset >= range.lowerBound && offset + UInt64(bytes.count) <= range.upperBound,
      "a store outside of its range")
    system.announce(.write, name)
    system.state.withLock { state in
      guard state.beginStore(into: name),
        let node = try? state.node(of: opened.number, .write, name)
      else { return }
      state.disk.change(node) { $0.write(bytes, at: Int(offset), step: state.steps) }
    }
  }
}
