import Foundation

/// What the system counts for this process.
enum ProcessCounters {
  /// Bytes the process made the system write to storage: pages it made dirty, whoever writes them
  /// back. Nil where the system does not tell.
  static var writtenBytes: Int? {
    guard let text = text("/proc/self/io") else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix("write_bytes: ") {
      return Int(line.dropFirst("write_bytes: ".count))
    }
    return nil
  }

  /// Bytes of memory that no file backs.
  static var anonymousBytes: Int? {
    guard let text = text("/proc/self/statm") else { return nil }
    let pages = text.split(separator: " ").compactMap { Int($0) }
    guard pages.count > 2 else { return nil }
    return (pages[1] - pages[2]) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Processor time of all threads, in seconds.
  static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// How many threads but this one run or wait for the disk.
  static var busyThreads: Int {
    let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
      .split(separator: "/").last
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return threads.count { thread in
      guard thread != own ?? "", let text = text("/proc/self/task/\(thread)/stat"),
        let end = text.lastIndex(of: ")")
      else { return false }
      let state = text[end...].dropFirst(2).first
      return state == "R" || state == "D"
    }
  }

  private static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}

/// Watches how much anonymous memory the process has at most.
final class MemoryWatch: @unchecked Sendable {
  private let before = ProcessCounters.anonymousBytes ?? 0
  private let lock = NSLock()
  private var peak = 0
  private var isOver = false

  init() {
    let thread = Thread { [self] in
      while look() { usleep(10_000) }
    }
    thread.start()
  }

  private func look() -> Bool {
    let now = ProcessCounters.anonymousBytes ?? 0
    return lock.withLock {
      peak = max(peak, now)
      return !isOver
    }
  }

  /// The most there was above what there was at the beginning.
  func stop() -> Int {
    lock.withLock {
      isOver = true
      return max(0, max(peak, ProcessCounters.anonymousBytes ?? 0) - before)
    }
  }
}

/// Waits for the background of whatever engine: none tells the same, but all of them use threads.
enum Quiet {
  private static let sampleSeconds = 0.01
  private static let neededSamples = 30

  /// Returns when no other thread has run for a while, and how long ago that while began.
  static func wait() -> Duration {
    let clock = ContinuousClock()
    var (since, quietSamples) = (clock.now, 0)
    var processor = ProcessCounters.processorSeconds
    while quietSamples < neededSamples {
      usleep(UInt32(sampleSeconds * 1e6))
      let used = ProcessCounters.processorSeconds - processor
      let isQuiet = used < sampleSeconds / 5 && ProcessCounters.busyThreads == 0
      processor = ProcessCounters.processorSeconds
      if isQuiet {
        quietSamples += 1
      } else {
        (since, quietSamples) = (clock.now, 0)
      }
    }
    return since.duration(to: clock.now)
  }
}
