import Dispatch
import Foundation

/// Ends a run that is broken off: its child is killed and none follows, so that the run fails and
/// takes its stores away as ever.
final class Interruption {
  private let sources: [any DispatchSourceSignal]

  init() {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { ChildProcess.endForGood() }
      source.resume()
      return source
    }
  }

  func cancel() { for source in sources { source.cancel() } }
}
