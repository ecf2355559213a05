import Testing
import VarveObjects
import VarveTestSupport

@Suite struct BucketScheduleTests {
  @Test func noConfirmedCommitIsLostAndNoLiveFileRemoved() throws {
    for seed: UInt64 in 1...60 {
      let schedule = BucketSchedule(seed: seed)
      let violations = try schedule.run()
      if !violations.isEmpty { Issue.record("seed \(seed): \(violations.prefix(3))") }
    }
  }

  @Test(arguments: BucketSchedule.Bug.allCases)
  func aBugIsFound(_ bug: BucketSchedule.Bug) throws {
    var options = BucketSchedule.Options()
    options.bug = bug
    for seed: UInt64 in 1...2000 {
      let violations = try BucketSchedule(seed: seed, options: options).run()
      if !violations.isEmpty { return }
    }
    Issue.record("\(bug) was not found")
  }
}
