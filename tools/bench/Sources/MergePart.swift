import Varve
import VarveFormat

/// One step of a merge, by how many memtables are merged: each entry is somewhere else in memory.
enum MergePart {
  static func measure(_ setting: Setting) throws -> [Line] {
    let value = halfCompressible(100)
    return try [1, 4, 16].map { sources in
      let count = 400_000 / sources
      let tables = (0..<sources).map {
        MemTablePart.filled(Keys(count, seed: UInt64($0 + 1)), value)
      }
      let step = try time(rounds: setting.rounds, count: count * sources) {
        use(try MeasuredMerge.walk(tables))
      }
      return Line(
        part: "merge", what: "step over \(sources) memtables", unit: .nanoseconds, value: step,
        limit: setting.limits.copyRecord, limitName: "copy of its bytes")
    }
  }
}
