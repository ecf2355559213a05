import Testing
import VarveTestSupport

@Suite struct TakeoverScheduleTests {
  /// A sample: `tools/soak takeover` runs thousands.
  @Test func noConfirmedWriteIsLost() {
    for seed in UInt64(1)...8 {
      do {
        if let wrong = try TakeoverSchedule.run(seed) { Issue.record("seed \(seed): \(wrong)") }
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
  }
}
