import Varve
import VarveSimulation
import VarveTestSupport

/// What the bytes of an input tell a store to do; any bytes tell something.
///
/// ```
/// byte  what the store is like   | read mode, logs, background, compression, large values
/// then  one act after the other  | a byte for the act, then its numbers
/// ```
struct Operations {
  enum Act {
    case put(key: Int, value: [UInt8], life: UInt64?, Durability)
    case delete(key: Int, Durability)
    /// The acts that follow, as many as are puts and deletes, in one batch.
    case batch(count: Int, Durability)
    case flush, compact, sync, reopen
    case crash(CrashMode, seed: UInt64)
    case get(key: Int)
    case scan(from: Int, to: Int, ScanOrder)
    case walk(from: Int, ScanOrder, steps: UInt8)
    case snapshot, dropSnapshot
    case pass(milliseconds: UInt64)
  }

  /// Longer inputs only take longer.
  static let most = 60

  private var rest: ArraySlice<UInt8>
  private var count = 0

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func next() -> Act? {
    guard !rest.isEmpty, count < Self.most else { return nil }
    count += 1
    switch byte() & 31 {
    case 0: return .flush
    case 1: return .compact
    case 2: return .sync
    case 3: return .reopen
    case 4:
      return .crash(CrashMode.allCases[Int(byte()) % CrashMode.allCases.count], seed: number())
    case 5: return .snapshot
    case 6: return .dropSnapshot
    case 7: return .pass(milliseconds: number())
    case 8: return .batch(count: 1 + Int(byte() % 16), durability())
    case 9...11: return .scan(from: Int(byte()), to: Int(byte()), order())
    case 12, 13: return .walk(from: Int(byte()), order(), steps: byte())
    case 14...16: return .get(key: Int(byte()))
    case 17...19: return .delete(key: Int(byte()), durability())
    default: return .put(key: Int(byte()), value: value(), life: life(), durability())
    }
  }

  private mutating func number() -> UInt64 { UInt64(byte()) << 8 | UInt64(byte()) }

  private mutating func durability() -> Durability { byte() & 3 == 0 ? .synced : .buffered }

  private mutating func order() -> ScanOrder { byte() & 1 == 0 ? .ascending : .descending }

  private mutating func life() -> UInt64? {
    let byte = byte()
    return byte < 0xe0 ? nil : 1 + UInt64(byte & 31) * 100
  }

  private mutating func value() -> [UInt8] {
    let (kind, seed) = (byte(), UInt64(byte()))
    var random = SeededRandom(seed: seed)
    switch kind {
    case ..<0x80: return random.bytes(Int(kind))
    case ..<0xf0: return random.text(Int(kind & 63) * 20)
    default: return random.bytes(Int(kind & 15) * 700)
    }
  }
}

extension Operations {
  /// The key with a number: many that share beginnings, the empty one, long ones.
  static func key(_ number: Int) -> [UInt8] {
    switch number {
    case 0: []
    case 1..<8: [UInt8](repeating: 0xff, count: number)
    case 8..<16: [UInt8](repeating: 0x61, count: 300) + [UInt8(number)]
    default: Array("key \(number % 100)".utf8)
    }
  }
}
