import Testing
import VarvePlatform
import VarveSimulation

@Suite("Simulated time and randomness")
struct SimulatedTimeTests {
  @Test func timeMovesOnlyWhenTold() {
    let clock = SimulatedClock(wallMilliseconds: 1000, monotonicNanoseconds: 5)
    #expect(clock.wallMilliseconds() == 1000)
    clock.advance(milliseconds: 2)
    #expect(clock.wallMilliseconds() == 1002)
    #expect(clock.monotonicNanoseconds() == 2_000_005)
    clock.setWall(milliseconds: 10)
    #expect(clock.wallMilliseconds() == 10)
    #expect(clock.monotonicNanoseconds() == 2_000_005)
  }

  @Test func aSeedGivesTheSameNumbersForEver() {
    // The published first outputs for seed 1234567.
    var generator = SplitMix64(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
    ]
    #expect((0..<3).map { _ in generator.next() } == expected)
    let random = SimulatedRandom(seed: 1_234_567)
    #expect(random.next() == expected[0])
    var bounded = SplitMix64(seed: 1)
    #expect(Set((0..<1000).map { _ in bounded.below(7) }) == Set(0..<7))
  }
}
