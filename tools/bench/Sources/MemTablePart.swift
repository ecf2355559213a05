import Varve
import VarveFormat

/// A memtable of 64 MiB: filled in random and in ascending order, and looked up.
enum MemTablePart {
  private static let count = 400_000

  static func measure(_ setting: Setting) -> [Line] {
    let random = Keys(count)
    let ascending = Keys(count, ascending: true)
    let value = halfCompressible(100)
    let table = filled(random, value)
    var numbers = Numbers(seed: 4)
    let order = numbers.permutation(count)
    let lookup = random.lend { keys in
      time(rounds: setting.rounds, count: count) {
        for index in order { use(table.holds(keys(index))) }
      }
    }
    let insert = time(rounds: setting.rounds, count: count) { use(filled(random, value)) }
    let append = time(rounds: setting.rounds, count: count) { use(filled(ascending, value)) }
    func line(_ what: String, _ value: Double, _ limit: Double, _ name: String) -> Line {
      Line(
        part: "memtable", what: what, unit: .nanoseconds, value: value, limit: limit,
        limitName: name)
    }
    let miss = setting.limits.cacheMiss
    return [
      line("insert, random keys", insert, miss, "one cache miss"),
      line("insert, ascending keys", append, setting.limits.copyRecord, "copy of its bytes"),
      line("look up", lookup, miss, "one cache miss"),
    ]
  }

  static func filled(_ keys: Keys, _ value: [UInt8]) -> MeasuredMemTable {
    let table = MeasuredMemTable()
    value.withByteView { value in
      keys.lend { key in
        for index in 0..<keys.count {
          let sequence = SequenceNumber(UInt64(index + 1))
          table.insert(EntryView(key: key(index), sequence: sequence, kind: .put, value: value))
        }
      }
    }
    return table
  }
}
