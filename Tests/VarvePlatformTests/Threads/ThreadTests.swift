import CVarveShims
import Testing
import VarvePlatform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite("Monitors")
struct MonitorTests {
  @Test func onlyOneThreadIsInside() throws {
    let counter = Monitor(0)
    let threads = try (0..<4).map { number in
      try WorkerThread(name: "count \(number)") {
        for _ in 0..<10_000 { counter.withLock { $0 += 1 } }
      }
    }
    for thread in threads { thread.join() }
    #expect(counter.withLock { $0 } == 40_000)
  }

  @Test func waitersGoOnWhenTheStateIsReady() throws {
    let queue = Monitor<[Int]>([])
    let sum = Monitor(0)
    let workers = try (0..<3).map { number in
      try WorkerThread(name: "worker \(number)") {
        while true {
          let job = queue.withLock(when: { !$0.isEmpty }) { $0.removeFirst() }
          if job < 0 { return }
          sum.withLock { $0 += job }
        }
      }
    }
    for job in Array(1...1000) + [-1, -1, -1] {
      queue.withLock { $0.append(job) }
      queue.signal()
    }
    for worker in workers { worker.join() }
    #expect(sum.withLock { $0 } == 500_500)
  }

  @Test func aDeadlinePasses() {
    let never = Monitor(false)
    let clock = SystemClock()
    let deadline = clock.monotonicNanoseconds() + 5_000_000
    #expect(!never.wait(until: deadline) { $0 })
    #expect(clock.monotonicNanoseconds() >= deadline)
    #expect(never.withLock(when: { $0 }, until: 0) { _ in 1 } == nil)
    #expect(never.withLock(when: { !$0 }, until: 0) { _ in 1 } == 1)
  }

  @Test func aBroadcastWakesEveryone() throws {
    let turn = Monitor(0)
    let threads = try (1...8).map { number in
      try WorkerThread(name: "turn \(number)") {
        turn.withLock(when: { $0 == number }) { $0 += 1 }
        turn.broadcast()
      }
    }
    turn.withLock { $0 = 1 }
    turn.broadcast()
    for thread in threads { thread.join() }
    #expect(turn.withLock { $0 } == 9)
  }

  @Test func anErrorUnlocks() {
    struct Refused: Error {}
    let state = Monitor(1)
    #expect(throws: Refused.self) {
      try state.withLock { (_: inout Int) throws(Refused) in throw Refused() }
    }
    #expect(state.withLock { $0 } == 1)
  }
}

@Suite("Worker threads")
struct WorkerThreadTests {
  @Test func joiningWaitsForTheBody() throws {
    let done = Monitor(false)
    let thread = try WorkerThread(name: "short") {
      usleep(5000)
      done.withLock { $0 = true }
    }
    thread.join()
    #expect(done.withLock { $0 })
    thread.join()
  }

  @Test func severalThreadsMayJoinOne() throws {
    let gate = Monitor(false)
    let joined = Monitor(0)
    let thread = try WorkerThread(name: "joined") { gate.withLock(when: { $0 }) { _ in } }
    let joiners = try (0..<3).map { number in
      try WorkerThread(name: "joiner \(number)") {
        thread.join()
        joined.withLock { $0 += 1 }
      }
    }
    gate.withLock { $0 = true }
    gate.broadcast()
    for joiner in joiners { joiner.join() }
    #expect(joined.withLock { $0 } == 3)
  }

  @Test func aDroppedThreadRunsOn() throws {
    let done = Monitor(false)
    do {
      _ = try WorkerThread(name: "dropped") {
        done.withLock { $0 = true }
        done.signal()
      }
    }
    done.withLock(when: { $0 }) { _ in }
  }

  @Test func aStackThatIsTooSmallIsRefused() {
    #expect(throws: ThreadError.self) { try WorkerThread(name: "tiny", stackBytes: 1) {} }
  }

  @Test func theBodyIsLetGoAfterwards() throws {
    final class Token: Sendable {}
    weak var left: Token?
    do {
      let token = Token()
      left = token
      let thread = try WorkerThread(name: "token") { withExtendedLifetime(token) {} }
      thread.join()
    }
    #expect(left == nil)
  }

  #if os(Linux)
    @Test func theNameIsShownAndSignalsPassBy() throws {
      // The thread this runs on may block signals itself, which would be inherited.
      var before = sigset_t()
      var terminate = sigset_t()
      unsafe sigemptyset(&terminate)
      unsafe sigaddset(&terminate, SIGTERM)
      unsafe pthread_sigmask(SIG_UNBLOCK, &terminate, &before)
      defer { unsafe _ = pthread_sigmask(SIG_SETMASK, &before, nil) }
      let found = Monitor(("", false))
      let thread = try WorkerThread(name: "varve flush worker") {
        var name = [CChar](repeating: 0, count: 16)
        let file = unsafe open("/proc/thread-self/comm", O_RDONLY)
        unsafe read(file, &name, 15)
        close(file)
        var blocked = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
        let passes = unsafe sigismember(&blocked, SIGTERM) == 1
        let faults = unsafe sigismember(&blocked, SIGSEGV) == 0
        let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        found.withLock { $0 = (text, passes && faults) }
      }
      thread.join()
      #expect(found.withLock { $0 } == ("varve flush wor", true))
    }
  #endif
}

@Suite("Thread slots")
struct ThreadSlotTests {
  @Test func aThreadKeepsItsSlot() {
    let slot = varve_thread_slot()
    #expect((0..<VARVE_THREAD_SLOTS).contains(slot))
    #expect(varve_thread_slot() == slot)
  }

  @Test func livingThreadsHaveDifferentSlotsAndTheDeadGiveThemBack() throws {
    for _ in 0..<20 {
      let slots = Monitor<[Int32]>([])
      let leave = Monitor(false)
      let threads = try (0..<50).map { number in
        try WorkerThread(name: "slot \(number)", stackBytes: 64 * 1024) {
          slots.withLock { $0.append(varve_thread_slot()) }
          slots.broadcast()
          leave.withLock(when: { $0 }) { _ in }
        }
      }
      slots.withLock(when: { $0.count == 50 }) { slots in
        #expect(Set(slots).count == 50)
        #expect(slots.allSatisfy { (0..<VARVE_THREAD_SLOTS).contains($0) })
      }
      leave.withLock { $0 = true }
      leave.broadcast()
      for thread in threads { thread.join() }
    }
  }

  @Test func theBarrierReachesThreadsWhereTheSystemHasIt() {
    if varve_membarrier_register() == 0 { #expect(varve_membarrier() == 0) }
  }
}

@Suite("Clock and randomness")
struct ClockTests {
  @Test func timeGoesForward() {
    let clock = SystemClock()
    let first = clock.monotonicNanoseconds()
    #expect(clock.monotonicNanoseconds() >= first)
    // Later than the day this was written, earlier than a mistaken unit would say.
    #expect(clock.wallMilliseconds() > 1_700_000_000_000)
    #expect(clock.wallMilliseconds() < 10_000_000_000_000)
  }

  @Test func randomNumbersDoNotRepeat() {
    let random = SystemRandom()
    #expect(Set((0..<1000).map { _ in random.next() }).count == 1000)
  }
}
