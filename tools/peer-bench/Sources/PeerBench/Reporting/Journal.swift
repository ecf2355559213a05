import Foundation

/// Keeps what a run has found so far, and writes it to the run's file line by line: whoever is killed
/// after hours leaves it there.
final class Journal {
  private(set) var record: Record
  /// Whether the file has all of it.
  private(set) var isSaved = true
  private let path: String?
  private let start = ContinuousClock().now
  /// Told what happens.
  let say: (String) -> Void

  init(_ arguments: Arguments, say: @escaping (String) -> Void) {
    record = Record(command: arguments.words, engines: arguments.peers.map { $0.name })
    path = arguments.json
    self.say = say
  }

  func add(_ run: Record.Run) { record.runs.append(run) }

  func add(_ failure: Record.Failure) {
    record.failures.append(failure)
    say("FAILED: \(failure.text)")
  }

  func finish() {
    record.isWhole = true
    save()
  }

  /// A disk that is full is no reason to stop measuring: the table is still to be printed.
  func save() {
    record.seconds = start.duration(to: ContinuousClock().now) / .seconds(1)
    guard let path else { return }
    do {
      try Report(record).writeJSON(to: path)
      isSaved = true
    } catch {
      isSaved = false
      say("\(path) cannot be written: \(plainly(error))")
    }
  }
}

/// What an error says to people.
func plainly(_ error: any Error) -> String {
  (error as? PeerFailure)?.description ?? error.localizedDescription
}
