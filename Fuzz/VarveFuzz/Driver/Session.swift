import CFuzzer
import VarveFormat
import VarvePlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What this process fuzzes, and how.
struct Session: Sendable {
  let target: FuzzTarget
  let way: Way

  /// libFuzzer runs this program again to merge, with nothing but its own arguments: they find the
  /// target and the way in the environment.
  private static let targetVariable = "VARVE_FUZZ_TARGET"
  private static let wayVariable = "VARVE_FUZZ_WAY"

  static let current = Session(
    target: variable(targetVariable) ?? "", way: variable(wayVariable) ?? "")

  init?(target: String, way: String) {
    guard let target = FuzzTarget.named(target), let way = Way(rawValue: way) else { return nil }
    self.target = target
    self.way = way
    if way == .off { fuzzer_leave_out_checksums() }
  }

  /// Lets ``current`` be this target in this way.
  static func choose(target: String, way: String) {
    unsafe setenv(targetVariable, target, 1)
    unsafe setenv(wayVariable, way, 1)
  }

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}

// MARK: - What libFuzzer asks for

extension Session {
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
      fatalError("broken promise: \(error)")
    }
  }

  /// Changes one input, to at most `limit` bytes.
  func changed(_ bytes: [UInt8], seed: UInt32, limit: Int) -> [UInt8] {
    var change = Change(seed: seed, limit: limit)
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
