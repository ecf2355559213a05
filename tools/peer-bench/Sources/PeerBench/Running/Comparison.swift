/// Runs the workloads: in every round each is run by each engine in turn, so that what else the
/// machine does meets all of them alike.
final class Comparison {
  private let arguments: Arguments
  private let pass: CompressionPass
  private let take: (Trial, Workload) throws -> TrialResult
  private let journal: Journal
  /// What engines did that do not compress, in the pass before.
  private let known: [WorkloadResult]
  private(set) var results: [WorkloadResult]

  /// - Parameter take: does one trial.
  init(
    _ arguments: Arguments, pass: CompressionPass, known: [WorkloadResult], _ journal: Journal,
    take: @escaping (Trial, Workload) throws -> TrialResult
  ) {
    self.arguments = arguments
    self.pass = pass
    self.take = take
    self.known = known
    self.journal = journal
    results = arguments.workloads.map { workload in
      WorkloadResult(
        workload, pass, scale: arguments.scale(of: workload),
        peers: arguments.peers.filter(workload.includes))
    }
  }

  /// Fails only where it is broken off: an engine that fails has no figure, the others go on.
  func run() throws(BrokenOff) {
    for round in 0..<max(arguments.rounds, arguments.longRounds) {
      for index in results.indices {
        let workload = results[index].workload
        guard round < (workload.isLong ? arguments.longRounds : arguments.rounds) else { continue }
        let start = ContinuousClock().now
        for turn in 0..<min(workload.turns, arguments.mostTurns) {
          try takeTurns(index, Record.Moment(round: round, turn: turn))
        }
        journal.save()
        let seconds = start.duration(to: ContinuousClock().now) / .seconds(1)
        journal.say(
          "\(pass.rawValue), round \(round + 1), line \(index + 1) of \(results.count): "
            + "\(workload.name) (\(Report.duration(seconds)))")
      }
    }
  }

  private func takeTurns(_ index: Int, _ moment: Record.Moment) throws(BrokenOff) {
    let (workload, peers) = (results[index].workload, results[index].peers)
    var found: [(peer: any Peer.Type, result: TrialResult)] = []
    defer { judge(found, index, moment) }
    for place in peers.indices {
      // Nobody is always first.
      let peer = peers[(place + moment.round + moment.turn) % peers.count]
      if moment.round > 0, results[index].isFarBehind(peer) { continue }
      do {
        let known = earlier(peer, workload, moment)
        found.append((peer, try known ?? take(trial(peer, workload), workload)))
      } catch let end as BrokenOff { throw end } catch {
        fail(index, peer, moment, plainly(error))
      }
    }
  }

  private func trial(_ peer: any Peer.Type, _ workload: Workload) -> Trial {
    Trial(
      stage: .measure, workload: workload.name, peer: peer.name, pass: pass,
      scale: arguments.scale(of: workload), files: arguments.files, directory: "")
  }

  /// An engine without compression does the same in both passes.
  private func earlier(
    _ peer: any Peer.Type, _ workload: Workload, _ moment: Record.Moment
  ) -> TrialResult? {
    guard !peer.traits.compresses else { return nil }
    let before = known.first { $0.workload.name == workload.name }
    return before?.runs(of: peer.name).first { $0.moment == moment }?.result
  }

  /// Keeps what was found by engines that agree.
  private func judge(
    _ found: [(peer: any Peer.Type, result: TrialResult)], _ index: Int, _ moment: Record.Moment
  ) {
    let engines = found.filter { !$0.peer.traits.isReference }
    let strangers = Agreement(engines.map(\.result), results[index].workload).strangers
    let wrong = Set(strangers.map { engines[$0].peer.name })
    for (peer, result) in found {
      if wrong.contains(peer.name) {
        fail(
          index, peer, moment,
          "answers otherwise than the others: \(result.read), "
            + "\(result.content.map { "\($0)" } ?? "content not compared")")
      } else {
        journal.add(results[index].add(result, of: peer, at: moment))
      }
    }
  }

  private func fail(
    _ index: Int, _ peer: any Peer.Type, _ moment: Record.Moment, _ message: String
  ) {
    journal.add(results[index].addFailure(message, of: peer, at: moment))
  }
}
