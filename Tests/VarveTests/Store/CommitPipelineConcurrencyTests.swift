import Synchronization
import Testing
import VarveFormat
import VarvePlatform

@testable import Varve

/// Who leads, and that nobody is left waiting.
@Suite struct CommitPipelineConcurrencyTests {
  @Test func oneLeadsAtATime() {
    let pipeline = CommitPipeline()
    #expect(pipeline.tryLead())
    #expect(!pipeline.tryLead())
    pipeline.endLead()
    #expect(pipeline.tryLead())
    pipeline.endLead()
  }

  /// A writer who commits over and over on its own must not shut out those who stand in line.
  @Test func whoStandsInLineIsNotPassedByWhoComesAlone() throws {
    let pipeline = CommitPipeline()
    for round in 0..<500 {
      #expect(pipeline.tryLead())
      let request = CommitRequest(BatchEncoder(), isSynced: false)
      let wasLed = Atomic(false)
      let thread = try WorkerThread(name: "waiter") {
        try? pipeline.submit(request) { _ in wasLed.store(true, ordering: .releasing) }
      }
      while pipeline.leadership.load(ordering: .relaxed) != CommitPipeline.awaited {}
      pipeline.endLead()
      // Either it is not our turn, or the one in line has had its own.
      if pipeline.tryLead() {
        let isLed = wasLed.load(ordering: .acquiring)
        #expect(isLed, "round \(round)")
        pipeline.endLead()
      }
      thread.join()
      let isLed = wasLed.load(ordering: .acquiring)
      #expect(isLed)
    }
  }

  /// Leaders count without a lock: what they guard comes out right only if one leads at a time and
  /// each sees what the one before did.
  @Test func everyRequestIsLedOnceAndLeadersSeeEachOther() throws {
    let pipeline = CommitPipeline()
    let guarded = Guarded()
    let threads = try (0..<6).map { number in
      try WorkerThread(name: "writer \(number)") {
        for round in 0..<2_000 {
          if round % 3 == number % 3, pipeline.tryLead() {
            guarded.count += 1
            pipeline.endLead()
          } else {
            try? pipeline.submit(CommitRequest(BatchEncoder(), isSynced: false)) { group in
              guarded.count += group.count
            }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(guarded.count == 6 * 2_000)
  }

  /// What only the leader touches.
  private final class Guarded: @unchecked Sendable {
    var count = 0
  }
}
