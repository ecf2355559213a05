import Testing

@testable import VarveCLI

@Suite("Terminal")
struct TerminalTests {
  private let half = ProgressBar.State(
    entries: 1500, bytes: 50 << 20, totalBytes: 100 << 20, seconds: 10)

  @Test("draws a bar with share, rates and time left")
  func drawsBar() {
    #expect(
      ProgressBar.line(half, width: 100)
        == "[##########----------]   50%  1,500 entries  150/s  5.0 MiB/s  10.0 s left")
    #expect(ProgressBar.plain(half) == "1,500 entries, 150/s, 5.0 MiB/s, 50%, 10.0 s left")
    #expect(ProgressBar.summary(half) == "1,500 entries, 50.0 MiB in 10.0 s (150/s, 5.0 MiB/s)")
  }

  @Test("counts files and bytes where nobody counts entries")
  func countsBytes() {
    var state = half
    state.entries = nil
    #expect(
      ProgressBar.line(state, width: 100)
        == "[##########----------]   50%  50.0 MiB  5.0 MiB/s  10.0 s left")
    state.files = 2
    #expect(ProgressBar.plain(state) == "2 files, 50.0 MiB, 5.0 MiB/s, 50%, 10.0 s left")
    #expect(ProgressBar.summary(state) == "2 files, 50.0 MiB in 10.0 s (5.0 MiB/s)")
    state.seconds = 0
    #expect(ProgressBar.plain(state) == "2 files, 50.0 MiB, 50%")
  }

  @Test("never exceeds the width", arguments: 0...90)
  func fitsWidth(_ width: Int) {
    #expect(ProgressBar.line(half, width: width).count <= width)
  }

  @Test("draws no bar where the end is not known, and promises nothing at the start or the end")
  func knowsItsLimits() {
    var state = half
    state.totalBytes = nil
    #expect(ProgressBar.line(state, width: 100) == "1,500 entries  150/s  5.0 MiB/s")
    state.totalBytes = 0
    #expect(!ProgressBar.line(state, width: 100).contains("%"))
    state.totalBytes = 50 << 20
    #expect(ProgressBar.line(state, width: 100).contains("100%"))
    #expect(!ProgressBar.line(state, width: 100).contains("left"))
    state.seconds = 0
    #expect(ProgressBar.line(state, width: 100).hasSuffix("1,500 entries"))
    // A file that grew while it was read.
    state.totalBytes = 1
    #expect(ProgressBar.line(state, width: 100).contains("100%"))
  }

  @Test("colours only terminals, and none where NO_COLOR is set")
  func colours() {
    func isColoured(_ terminal: Bool, _ noColour: String?, _ name: String?) -> Bool {
      Style.suited(toTerminal: terminal, noColour: noColour, terminalName: name).isColoured
    }
    #expect(isColoured(true, nil, "xterm"))
    #expect(isColoured(true, "", "xterm"))
    #expect(!isColoured(true, "1", "xterm"))
    #expect(!isColoured(false, nil, "xterm"))
    #expect(!isColoured(true, nil, "dumb"))
    #expect(Style.plain.bad("x") == "x")
    #expect(Style(isColoured: true).bad("x") == "\u{1b}[31mx\u{1b}[0m")
  }
}
