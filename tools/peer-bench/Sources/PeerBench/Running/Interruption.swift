import Dispatch
import Foundation

/// Ends a run that is broken off: its child is killed and none follows, so that the run shows what it
/// has and takes its stores away as ever.
final class Interruption {
  private let sources: [any DispatchSourceSignal]

  init() {
    sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
      let before = unsafeBitCast(signal(number, SIG_IGN), to: Int.self)
      // Whoever started it with `nohup` wants it to go on.
      if number == SIGHUP, before == unsafeBitCast(SIG_IGN, to: Int.self) { return nil }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { ChildProcess.endForGood() }
      source.resume()
      return source
    }
  }

  func cancel() { for source in sources { source.cancel() } }
}
