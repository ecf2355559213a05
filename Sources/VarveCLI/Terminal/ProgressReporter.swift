/// Shows a job's progress on standard error: a line drawn over and over on a terminal, a plain line
/// now and then elsewhere.
struct ProgressReporter {
  private let messages: Messages
  private let isQuiet: Bool
  private let start = ContinuousClock.now
  private var next: ContinuousClock.Instant
  private var isDrawn = false
  private(set) var state: ProgressBar.State

  /// Between drawings on a terminal; between lines elsewhere.
  private var interval: Duration { messages.isTerminal ? .milliseconds(100) : .seconds(5) }

  init(_ messages: Messages, totalBytes: UInt64?, isQuiet: Bool) {
    self.messages = messages
    self.isQuiet = isQuiet
    state = ProgressBar.State(totalBytes: totalBytes)
    next = start
    next += interval
  }

  /// Takes note of what is done, and shows it when it is time.
  ///
  /// - Parameter entries: nil for a job that moves files: then `files` and bytes are shown.
  mutating func update(entries: UInt64? = nil, files: UInt64? = nil, bytes: UInt64) {
    state.entries = entries
    state.files = files
    state.bytes = bytes
    let now = ContinuousClock.now
    state.seconds = (now - start) / .seconds(1)
    guard !isQuiet, now >= next else { return }
    next = now + interval
    if messages.isTerminal {
      // Back to the margin, the line, and clear what an older, longer line left.
      messages.write("\r\(ProgressBar.line(state, width: messages.width - 1))\u{1b}[K")
      isDrawn = true
    } else {
      messages.say(ProgressBar.plain(state))
    }
  }

  /// Takes the drawn line away, so that other text can follow.
  mutating func clear() {
    if isDrawn { messages.write("\r\u{1b}[K") }
    isDrawn = false
  }

  /// Says the end.
  mutating func finish(_ verb: String) {
    state.seconds = (ContinuousClock.now - start) / .seconds(1)
    clear()
    if !isQuiet { messages.say("\(verb) \(ProgressBar.summary(state))") }
  }
}
