import VarveFormat
import VarvePlatform

/// A target, read and changed in one of the ways.
struct Session: Sendable {
  let target: FuzzTarget
  let way: Way

  init(_ target: FuzzTarget, _ way: Way) {
    self.target = target
    self.way = way
  }

  init?(target: String, way: String) {
    guard let target = FuzzTarget.named(target), let way = Way(rawValue: way) else { return nil }
    self.init(target, way)
  }

  /// Reads one input.
  func run(_ bytes: ByteView) {
    do {
      guard way == .off else { return try target.read(bytes) }
      // Signed with checksums that are all zero, in memory of just its size.
      let input = target.signed(bytes.array, repairing: false)
      let buffer = AlignedBuffer(capacity: input.count)
      input.withByteView { buffer.copy($0) }
      defer { withExtendedLifetime(buffer) {} }
      try target.read(buffer.view())
    } catch {
      promise(false, "\(error)")
    }
  }

  /// Changes one input.
  func changed(_ bytes: [UInt8], by change: inout Change) -> [UInt8] {
    var bytes = bytes
    if let special = target.change {
      special(&bytes, &change)
    } else {
      change.anything(&bytes)
    }
    guard way == .resigned else { return bytes }
    // Now and then lengths and counts stay as they are: lies are what is looked for.
    return target.signed(bytes, repairing: change.below(4) > 0)
  }
}
