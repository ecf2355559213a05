import Testing
import VarveTestSupport

@Suite struct TakeoverScheduleTests {
  /// A sample: `tools/soak takeover` runs thousands.
  @Test func noConfirmedWriteIsLost() {
    for seed in UInt64(1)...8 {
      do {
        let outcome = try TakeoverSchedule.run(seed)
        #expect(outcome.wrong == nil, "seed \(seed)")
        #expect(outcome.confirmations > 0, "seed \(seed)")
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
  }
}
