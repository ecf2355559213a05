import VarveFormat
import VarvePlatform

/// What all measurements share: how often, where files go, and what the machine can do.
struct Setting {
  /// Each figure is the median of so many rounds.
  var rounds: Int
  var directory: any Directory
  /// The same, where logs are written and not stored into.
  var writingDirectory: any Directory
  let limits: Limits

  init(rounds: Int, directory: any Directory, writingDirectory: any Directory) throws {
    self.rounds = rounds
    self.directory = directory
    self.writingDirectory = writingDirectory
    limits = try Limits(rounds: rounds, directory: directory)
  }
}

/// Nanoseconds of the monotonic clock.
func now() -> UInt64 { SystemClock().monotonicNanoseconds() }

/// The median time of an operation in nanoseconds: `body` does `count` of them, once to warm up and
/// then `rounds` times.
func time(rounds: Int, count: Int, _ body: () throws -> Void) rethrows -> Double {
  try body()
  var times: [Double] = []
  for _ in 0..<rounds {
    let start = now()
    try body()
    times.append(Double(now() - start) / Double(count))
  }
  return times.sorted()[rounds / 2]
}

/// Keeps a result from being optimised away, and the work with it.
@inline(never)
func use<Value>(_ value: Value) { withExtendedLifetime(value) {} }

extension AlignedBuffer {
  /// Memory that was written: what was not may be one page of zeros over and over.
  static func filled(_ count: Int) -> AlignedBuffer {
    let buffer = AlignedBuffer(capacity: count)
    unsafe buffer.withMutableBytes { bytes in
      _ = unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0x5a)
    }
    return buffer
  }

  /// Lends all of it until `body` returns. A view by itself does not keep what it views.
  func lend<Result>(_ body: (ByteView) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(view())
  }
}

/// Random numbers that are the same in every run.
struct Numbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// The numbers from 0 on, in random order.
  mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for index in order.indices.dropFirst() { order.swapAt(index, below(index + 1)) }
    return order
  }
}

/// Keys of twenty bytes, a keyspace's number in front, in one piece of memory.
final class Keys {
  static let keyBytes = 20
  let count: Int
  private let bytes: AlignedBuffer

  /// `count` keys in random order, or in ascending order.
  init(_ count: Int, ascending: Bool = false, seed: UInt64 = 1) {
    self.count = count
    var numbers = Numbers(seed: seed)
    var heads = (0..<count).map { _ in numbers.next() }
    if ascending { heads.sort() }
    var writer = ByteWriter(reserving: count * Self.keyBytes)
    for (index, head) in heads.enumerated() {
      writer.uint32(UInt32(1).byteSwapped)
      writer.uint64(head.byteSwapped)
      writer.uint64(UInt64(index).byteSwapped)
    }
    bytes = AlignedBuffer(capacity: writer.count)
    writer.bytes.withByteView { bytes.copy($0) }
  }

  /// Lends the keys, by their index, until `body` returns.
  func lend<Result>(_ body: ((Int) -> ByteView) throws -> Result) rethrows -> Result {
    try bytes.lend { bytes in
      try body { index in bytes.dropping(index * Self.keyBytes).prefix(Self.keyBytes) }
    }
  }
}

/// A value that compresses to about half.
func halfCompressible(_ count: Int, seed: UInt64 = 3) -> [UInt8] {
  var numbers = Numbers(seed: seed)
  return numbers.bytes(count / 2) + [UInt8](repeating: 0x61, count: count - count / 2)
}
