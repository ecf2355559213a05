/// Whether engines that did the same work found the same.
struct Agreement {
  /// What one engine answered.
  struct Answer: Equatable {
    var content: Tally?
    var read: Tally?
  }

  let answers: [Answer]

  init(_ results: [TrialResult], _ workload: Workload) {
    // Threads that write meet threads that read at other moments.
    let comparesReads = !(workload.isWriting && workload.threads > 1)
    // What is done in a given time is never the same.
    let comparesContent = workload.seconds == nil
    answers = results.map { result in
      Answer(
        content: comparesContent ? result.content : nil,
        read: comparesContent && comparesReads ? result.read : nil)
    }
  }

  /// The places of those that stand against the most; all where there is no such thing as the most,
  /// for nobody knows then who is right.
  var strangers: [Int] {
    let most = answers.first { answer in 2 * answers.count { $0 == answer } > answers.count }
    return answers.indices.filter { answers[$0] != most }
  }
}
