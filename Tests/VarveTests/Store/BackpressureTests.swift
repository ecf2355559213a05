import Testing

@testable import Varve

/// How writes are slowed down: decided and charged without a clock.
@Suite struct BackpressureTests {
  private static func decide(_ frozen: Int, _ levelZero: Int) -> Backpressure {
    .decide(frozen: frozen, limit: 3, levelZero: levelZero)
  }

  private static func price(_ frozen: Int, _ levelZero: Int) -> UInt64? {
    switch decide(frozen, levelZero) {
    case .none: 0
    case .slow(let price): price
    case .waitForFlush: nil
    }
  }

  @Test func thePriceGrowsWithTheDebtAndHasAnEnd() {
    let highest = Backpressure.highestPrice
    #expect((0...20).allSatisfy { Self.decide(0, $0) == .none })
    let prices = (0...60).compactMap { Self.price(0, $0) }
    #expect(zip(prices, prices.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(prices[21] > 0 && prices[30] == highest / 4 && prices[40] == highest)
    #expect(prices[60] == highest)
    #expect(Self.price(3, 0) == highest / 4 && Self.price(3, 50) == highest)
    #expect(Self.decide(4, 0) == .waitForFlush && Self.decide(4, 40) == .waitForFlush)
    // 16 MiB in a second.
    #expect((999_000_000...1_000_000_000).contains(highest * (16 << 10)))
  }

  @Test func writersShareOneAccount() {
    let account = PacingAccount()
    #expect(account.charge(100, at: 1_000) == 1_100)
    #expect(account.charge(100, at: 1_050) == 1_200, "what another owes comes first")
    #expect(account.charge(100, at: 5_000) == 5_100, "time that has passed is not saved up")
    #expect(account.charge(1_000, at: 5_100, most: 300) == 5_400)
    #expect(account.charge(1_000, at: 5_200, most: 300) == 5_500)
    #expect(account.charge(1_000, at: 5_200, most: 100) == 5_500, "nothing is paid back")
    #expect(account.charge(.max, at: 6_000, most: 300) == 6_300)
  }
}
