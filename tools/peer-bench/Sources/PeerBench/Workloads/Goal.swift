/// What a figure is held to.
enum Goal {
  /// At least so many times the best peer.
  case timesBest(Double)
  /// The same, where so much is within the reach of the bare log.
  case timesBestWithinReference(Double)
  /// At least such a share of the bare log.
  case ofReference(Double)
  /// At most so many times the smallest peer.
  case timesSmallest(Double)
  /// At most so many times one peer.
  case times(String, Double)
  case atMost(Double)
  case atLeast(Double)
  /// A 99.9th percentile: at most fifty times the median, or 2 ms where that is more.
  case shortTail
}

extension Goal {
  var text: String {
    switch self {
    case .timesBest(let times): ">= \(Self.short(times)) x best"
    case .timesBestWithinReference(let times): ">= \(Self.short(times)) x best, if bare log allows"
    case .ofReference(let share): ">= \(Self.short(share)) x bare log"
    case .timesSmallest(let times): "<= \(Self.short(times)) x smallest"
    case .times(let peer, let times): "<= \(Self.short(times)) x \(peer)"
    case .atMost(let most): "<= \(Self.short(most))"
    case .atLeast(let least): ">= \(Self.short(least))"
    case .shortTail: "<= 50 x p50 or 2 ms"
    }
  }

  private static func short(_ number: Double) -> String {
    number == number.rounded() ? String(Int(number)) : String(number)
  }

  /// How far `line` is towards the goal: met from 1 on; nil where it cannot be told.
  func progress(_ line: LineResult) -> Double? {
    guard let own = line.own else { return nil }
    switch self {
    case .timesBest(let times): return line.ratioToBest.map { $0 / times }
    case .timesBestWithinReference(let times):
      guard let reference = line.reference, let best = line.best else { return nil }
      return reference < times * best.value ? 1 : line.ratioToBest.map { $0 / times }
    case .ofReference(let share): return line.ratioToReference.map { $0 / share }
    case .timesSmallest(let times): return line.ratioToBest.map { times / $0 }
    case .times(let peer, let times): return line.ratio(to: peer).map { times / $0 }
    case .atMost(let most): return most / own
    case .atLeast(let least): return own / least
    case .shortTail:
      guard let median = line.ownMedianLatency else { return nil }
      return max(50 * median, 2000) / own
    }
  }
}
