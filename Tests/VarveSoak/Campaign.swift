/// A campaign by its name, and how much of it is done where nothing else is asked for.
struct Campaign: Sendable {
  let name: String
  /// The option that says how much of it to do, or every how many-th of all there is.
  let amount: String
  let usual: Int
  /// Whether `--only TEXT` chooses what has that in its name.
  var takesOnly = false
  let summary: String
  let run: @Sendable (Request) throws -> Figures

  /// What somebody asks of it.
  struct Request {
    let amount: Int
    let seed: UInt64
    let only: String?
  }

  static let all = [
    Campaign(
      name: "crash", amount: "--images", usual: 100_000,
      summary: "a power cut at every call, and at every call of recoveries"
    ) { CrashCampaign(images: $0.amount, seed: $0.seed).run() },
    Campaign(
      name: "syncs", amount: "--images", usual: SyncMutation.usualImages,
      summary: "the same with each sync left out: is it missed?"
    ) { SyncMutation(mostImages: $0.amount, seed: $0.seed).run() },
    Campaign(
      name: "sweep", amount: "--every", usual: 1,
      summary: "every bit, byte, length and sector of every file changed, blocks and records moved"
    ) { request in
      let parts = [
        CorruptionSweep(stride: request.amount, seed: request.seed).run,
        CompactionSweep(stride: request.amount, seed: request.seed).run,
        TierSweep(stride: request.amount, seed: request.seed).run,
      ]
      var figures = Figures(isGood: true, members: [])
      for part in parts where figures.isGood { figures = try figures + part() }
      return figures
    },
    Campaign(
      name: "faults", amount: "--every", usual: 1, takesOnly: true,
      summary: "every call and every request of every operation fails"
    ) { request in
      var campaign = FaultCampaign(seed: request.seed, stride: request.amount)
      if let only = request.only { campaign.takes = { $0.contains(only) } }
      return try campaign.run()
    },
    Campaign(
      name: "model", amount: "--operations", usual: 2_000_000,
      summary: "random operations on a store and on its model"
    ) { request in
      var campaign = ModelCampaign(operations: request.amount, seed: request.seed)
      return campaign.run()
    },
    Campaign(
      name: "threads", amount: "--seconds", usual: 60,
      summary: "many threads at one store, and what each of them saw"
    ) { try ThreadCampaign(seconds: $0.amount, seed: $0.seed).run() },
    Campaign(
      name: "bucket", amount: "--schedules", usual: 30_000,
      summary: "many writers, collectors and readers at one bucket"
    ) { try BucketCampaign(schedules: $0.amount, seed: $0.seed).run() },
    Campaign(
      name: "takeover", amount: "--schedules", usual: 3_000,
      summary: "machines that take a store over from each other"
    ) { TakeoverCampaign(schedules: $0.amount, seed: $0.seed).run() },
  ]

  static var help: String {
    let lines = all.map { campaign in
      let only = campaign.takesOnly ? " [--only TEXT]" : ""
      return "  \(campaign.name) [\(campaign.amount) N (\(campaign.usual))]\(only) [--seed S (1)]\n"
        + "      \(campaign.summary)"
    }
    return
      (["usage: VarveSoak CAMPAIGN [OPTIONS]; tools/soak runs these, and keeps their figures", ""]
      + lines + ["", "write, judge: processes of the campaigns on real file systems"])
      .joined(separator: "\n")
  }
}
