import VarveFormat

/// The probe of a filter of 5 million keys. Where the next probe does not wait for the answer of the
/// last, several cache misses are on their way at a time.
enum FilterPart {
  static func measure(_ setting: Setting) throws -> [Line] {
    let count = 5_000_000
    let builder = FilterBuilder(bitsPerKey: 10)
    var numbers = Numbers(seed: 12)
    for _ in 0..<count { builder.add(numbers.next()) }
    let bytes = builder.encoded()
    let probes = (0..<1_000_000).map { _ in numbers.next() }
    return try bytes.withByteView { bytes in
      let filter = try Filter(decoding: bytes, at: 0)
      let value = time(rounds: setting.rounds, count: probes.count) {
        var found = 0
        for hash in probes { found &+= filter.mayContain(hash) ? 1 : 0 }
        use(found)
      }
      return [
        Line(
          part: "filter", what: "probe", unit: .nanoseconds, value: value,
          limit: setting.limits.cacheMiss, limitName: "one cache miss")
      ]
    }
  }
}
