import Testing

@testable import Varve

@Suite struct UploadScheduleTests {
  @Test func whatIsBeingCompactedIsWaitedForButNotForEver() {
    var schedule = UploadSchedule(interval: 10, now: 100)
    #expect(!schedule.isDue(at: 109, isSettled: true))
    #expect(schedule.isDue(at: 110, isSettled: true))
    #expect(!schedule.isDue(at: 119, isSettled: false))
    #expect(schedule.isDue(at: 120, isSettled: false))
    schedule.begin(at: 125)
    #expect(!schedule.isDue(at: 134, isSettled: true))
    #expect(schedule.isDue(at: 135, isSettled: true))
    #expect(schedule.isDue(at: 145, isSettled: false))
  }

  @Test func anEndlessIntervalNeverCallsAndDoesNotTrap() {
    let schedule = UploadSchedule(interval: .max, now: 5)
    #expect(!schedule.isDue(at: .max - 1, isSettled: true))
  }
}
