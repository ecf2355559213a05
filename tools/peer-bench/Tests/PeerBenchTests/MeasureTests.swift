import Testing

@testable import PeerBench

/// Orders, chances, percentiles and goals: what the figures rest on.
@Suite struct MeasureTests {
  @Test(arguments: [1, 2, 3, 100, 4096, 5000])
  func aPermutationHasEachNumberOnce(_ count: Int) {
    let permutation = Permutation(count, seed: 3)
    let numbers = (0..<count).map { permutation[$0] }
    #expect(numbers.sorted() == Array(0..<count))
    if count > 100 { #expect(numbers != Array(0..<count)) }
  }

  @Test func aZipfianDrawFavoursFirstRanksAsItsLawSays() {
    let (zipfian, count) = (Zipfian(1000), 200_000)
    var (random, counts) = (SeededRandom(1), [Int](repeating: 0, count: 1000))
    for _ in 0..<count { counts[zipfian.next(&random)] += 1 }
    // Rank r comes in proportion to 1 / r^0.99; the sum of those is 7.73 for a thousand.
    #expect(abs(Double(counts[0]) / Double(count) - 1 / 7.73) < 0.01)
    #expect(abs(Double(counts[0]) / Double(counts[1]) - 2) < 0.1)
    #expect(counts.allSatisfy { $0 > 0 })
  }

  @Test func percentilesAreRightToAThirtySecond() {
    var histogram = LatencyHistogram()
    for value in 1...100_000 { histogram.add(value) }
    let latencies = histogram.latencies
    for (found, exact) in [
      (latencies.p50, 50_000), (latencies.p99, 99_000), (latencies.p999, 99_900),
    ] { #expect(found >= exact && Double(found) <= Double(exact) * 33 / 32) }
    #expect(latencies.max == 100_000)
    #expect(latencies.count == 100_000)
  }

  @Test func aHistogramKeepsTheLongestOfAll() {
    var (histogram, other) = (LatencyHistogram(), LatencyHistogram())
    histogram.add(0)
    other.add(90_000_000_000)
    histogram.merge(other)
    #expect(histogram.latencies.max == 90_000_000_000)
  }

  @Test func goalsAreJudgedByTheRightFigures() throws {
    let line = result(.operationRate, ["Varve": 12, "RocksDB": 4, "LMDB": 6, "bare log": 10])
    #expect(try #require(Goal.timesBest(2).progress(line)) == 1)
    #expect(try #require(Goal.timesBest(4).progress(line)) == 0.5)
    #expect(try #require(Goal.ofReference(0.95).progress(line)) > 1)
    #expect(try #require(Goal.times("RocksDB", 3).progress(line)) == 1)
    #expect(try #require(Goal.atLeast(24).progress(line)) == 0.5)
    // 1.8 times the best peer is more than the bare log does: it is not asked for.
    #expect(try #require(Goal.timesBestWithinReference(1.8).progress(line)) == 1)
  }

  @Test func lowerFiguresAreBetterWhereTheyAre() throws {
    let line = result(.written, ["Varve": 2, "RocksDB": 4, "LMDB": 1])
    #expect(line.best?.peer == "LMDB")
    #expect(try #require(Goal.timesSmallest(0.8).progress(line)) == 0.4)
    #expect(try #require(Goal.times("RocksDB", 0.7).progress(line)) == 1.4)
    #expect(try #require(Goal.atMost(3).progress(line)) == 1.5)
  }

  @Test func ratiosAreOfTurnsThatBothTook() throws {
    func samples(_ values: [(Int, Double)]) -> [LineResult.Sample] {
      values.map { .init(moment: .init(round: $0.0), value: $0.1) }
    }
    let result = WorkloadResult(
      allWorkloads[0], .none, scale: 1, peers: [VarvePeer.self, RocksDBPeer.self, LMDBPeer.self])
    // LMDB failed in the first round, which was a slow one, and rested in the last.
    let own = samples([(0, 1), (1, 10), (2, 12)])
    let line = LineResult(
      result, Figure(.operationRate),
      samples: [own, samples([(0, 0.5), (1, 4), (2, 6)]), samples([(1, 5)])])
    #expect(line.ratio(to: "RocksDB") == 2)
    #expect(line.ratio(to: "LMDB") == 2)
    #expect(line.best?.peer == "LMDB")
  }

  @Test func nothingIsNoRatio() {
    let line = result(.memory, ["Varve": 2, "RocksDB": 0])
    #expect(line.ratioToBest == nil)
    #expect(Goal.timesSmallest(0.8).progress(line) == nil)
  }

  @Test func everyWorkloadHasANameOfItsOwn() {
    let names = allWorkloads.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(names).isDisjoint(with: allGroups.map(\.name)))
  }

  /// A line whose figure each engine reached once.
  private func result(_ kind: Figure.Kind, _ values: [String: Double]) -> LineResult {
    var workload = Workload(name: "", data: .small, action: .put(batch: 1))
    workload.hasReference = true
    let peers = allPeers.filter { values[$0.name] != nil }
    let result = WorkloadResult(workload, .none, scale: 1, peers: peers)
    return LineResult(
      result, Figure(kind),
      samples: peers.map { [.init(moment: .init(round: 0), value: values[$0.name] ?? 0)] })
  }
}
