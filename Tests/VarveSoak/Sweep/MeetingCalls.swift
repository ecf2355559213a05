import VarveFormat
import VarveTestSupport

/// At which calls of a running compaction its input must change, for it to meet the change.
///
/// ```
/// calls   0    1    2    3    4    5    6    7  ...
/// block   changed at any of these  ^last  ^too late: it is read, checked and copied
/// ```
struct MeetingCalls {
  let judge: CompactionJudge
  private let bytes: [UInt8]
  /// Where pieces of the file begin that are read as a whole, ascending.
  private let starts: [Int]
  /// By where a piece begins, the last call at which a change of it is met; -1 for one that is never read.
  private var known: [Int: Int] = [:]

  init(_ bytes: [UInt8], _ judge: CompactionJudge) throws {
    self.bytes = bytes
    self.judge = judge
    starts = Set(
      try FilePiece.all(of: bytes).flatMap { [$0.range.lowerBound, $0.range.upperBound] }
    )
    .sorted()
  }

  /// A call for the change with this number: mostly one at which it is met, often the last of them, and
  /// sometimes the one after that. Nil for what the compaction does not read.
  mutating func call(for mutated: [UInt8], number: Int) throws -> Int? {
    let last = try last(for: mutated)
    if last < 0 { return nil }
    switch number % 4 {
    case 0: return last + 1
    case 1: return last
    default: return number % (last + 1)
    }
  }

  /// The last call at which some of what is changed is still to be read; -1 for none of it.
  private mutating func last(for mutated: [UInt8]) throws -> Int {
    var (last, seen) = (-1, -1)
    for offset in bytes.indices where bytes[offset] != mutated[offset] {
      let start = starts.last { $0 <= offset } ?? 0
      if start == seen { continue }
      seen = start
      last = max(last, try self.last(ofPiece: start, changedAt: offset))
    }
    return last
  }

  private mutating func last(ofPiece start: Int, changedAt offset: Int) throws -> Int {
    if let last = known[start] { return last }
    var changed = bytes
    changed[offset] ^= 1
    var (met, late) = (-1, judge.store.steps)
    while met + 1 < late {
      let middle = met < 0 ? 0 : (met + late) / 2
      let verdict = try judge.judge(changed, step: middle)
      guard verdict.isLegal else {
        throw Violation("byte \(offset) changed, call \(middle): \(verdict.rawValue)")
      }
      if verdict == .stopped {
        met = middle
      } else {
        late = middle
      }
    }
    known[start] = met
    return met
  }
}
