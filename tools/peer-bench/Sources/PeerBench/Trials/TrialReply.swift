import Foundation

/// What the process of a trial tells the one that started it.
struct TrialReply: Codable {
  var result: TrialResult?
  /// Why there is none.
  var failure: String?

  /// Does the trial that `words` describe, and writes the reply to standard output.
  ///
  /// - Returns: what the process ends with.
  static func answer(_ words: String) -> Int32 {
    endWithParent()
    var reply = TrialReply()
    do { reply.result = try JSONDecoder().decode(Trial.self, from: Data(words.utf8)).run() } catch {
      reply.failure = plainly(error)
    }
    if let bytes = try? JSONEncoder().encode(reply) { FileHandle.standardOutput.write(bytes) }
    return reply.result == nil ? 1 : 0
  }

  /// Whoever started this process holds the other end of its standard input. When it is gone nobody
  /// waits for the reply, and the machine is somebody else's.
  private static func endWithParent() {
    let thread = Thread {
      var byte: UInt8 = 0
      while true {
        let count = read(STDIN_FILENO, &byte, 1)
        if count == 0 { _exit(1) }
        if count < 0, errno != EINTR { return }
      }
    }
    thread.start()
  }
}
