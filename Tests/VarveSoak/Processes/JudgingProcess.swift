import Varve
import VarvePlatform
import VarveTestSupport

/// Opens what a process left, in a process that knows nothing of it, and says what is wrong with it.
///
/// The store must hold a state that may be there, take a write and give it back up, hold the same when it
/// is opened again, and have nothing that the verifier finds.
struct JudgingProcess {
  let options: ProcessOptions

  func run() -> Conversation.Ending {
    do {
      let store = try options.open()
      Conversation.say("state \(try options.state(of: store))")
      if !options.isReadOnly { try write(to: store) }
      try store.close()
      if options.isVerified { try verify() }
      return .done
    } catch {
      return Conversation.ending(error)
    }
  }

  private func write(to store: SegmentStore) throws {
    try store.keyspace("default").put(ProcessOptions.probe, "written")
    try store.close()
    let again = try options.open(isAgain: true)
    guard try again.keyspace("default").text(ProcessOptions.probe) == "written" else {
      throw Violation("the next opening did not find what was written")
    }
    try again.keyspace("default").delete(ProcessOptions.probe)
    _ = try options.state(of: again)
    try again.close()
  }

  /// What a compaction was about when the store was closed may be left over, for the next opening.
  private func verify() throws {
    var first: IntegrityFinding?
    try StoreVerifier(at: options.path, on: PosixFileSystem()).run(.deep) { finding in
      if finding.severity == .damage { first = first ?? finding }
    }
    if let first { throw Violation("the verifier found \(first)") }
  }
}
