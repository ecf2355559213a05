/// Into stores without anything, or with every record.
let writingWorkloads: [Workload] = [
  Workload(
    name: "fill random", data: .small, action: .put(batch: 1), start: .empty,
    figures: [
      Figure(.operationRate, .timesBest(4)), Figure(.settling), Figure(.memory),
    ]),
  Workload(name: "fill random, by 100", data: .small, action: .put(batch: 100), start: .empty),
  Workload(
    name: "fill in order", data: .small, action: .put(batch: 1), start: .empty, order: .ascending,
    figures: [Figure(.operationRate, .timesBest(3))]),
  Workload(
    name: "overwrite random", data: .small, action: .put(batch: 1), start: .filled,
    figures: [Figure(.operationRate, .timesBest(4))]),
  Workload(name: "delete random", data: .small, action: .delete, start: .filled),
  Workload(
    name: "fill 3 KiB", data: .large, action: .put(batch: 1), start: .empty,
    figures: [Figure(.megabyteRate, .timesBest(2.5)), Figure(.settling), Figure(.memory)]),
  Workload(
    name: "fill 3 KiB, by 100", data: .large, action: .put(batch: 100), start: .empty,
    figures: [Figure(.megabyteRate)]),
  Workload(
    name: "bulk import", data: .small, action: .bulkImport, start: .empty, order: .ascending),
]

let readingWorkloads: [Workload] = [
  Workload(
    name: "read random", data: .small, action: .get(.uniform),
    amount: .scaled(500_000, least: 100_000),
    figures: [Figure(.operationRate, .timesBest(1.5)), Figure(.memory)]),
  Workload(
    name: "read zipfian", data: .small, action: .get(.zipfian),
    amount: .scaled(500_000, least: 100_000)),
  Workload(
    name: "read absent", data: .small, action: .get(.absent),
    amount: .scaled(500_000, least: 100_000),
    figures: [Figure(.operationRate, .timesBest(2))]),
  Workload(
    name: "read 64 at once", data: .small, action: .getMany(64),
    amount: .scaled(500_000, least: 100_000)),
  Workload(
    name: "read random 3 KiB", data: .large, action: .get(.uniform),
    amount: .scaled(200_000, least: 50_000),
    figures: [Figure(.operationRate, .timesBest(1.2))]),
  Workload(
    name: "scan forward", data: .small, action: .scan(backward: false),
    figures: [Figure(.operationRate, .timesBest(1))]),
  Workload(
    name: "scan backward", data: .small, action: .scan(backward: true),
    figures: [Figure(.operationRate, .timesBest(1))]),
  Workload(
    name: "seek + 10", data: .small, action: .seek(entries: 10),
    amount: .scaled(200_000, least: 50_000),
    figures: [Figure(.operationRate, .timesBest(1.3))]),
  Workload(
    name: "scan prefixes of 50", data: .small, action: .prefix,
    amount: .scaled(50_000, least: 20_000)),
]

let threadedWorkloads: [Workload] =
  [1, 2, 4, 8].map { threads in
    Workload(
      name: "read random, \(threads) thread\(threads == 1 ? "" : "s")", data: .small,
      action: .get(.uniform),
      amount: .scaled(1_000_000, least: 200_000), threads: threads)
  }

/// Stores of four times the memory that the process has for everything.
let limitedWorkloads: [Workload] = [
  limited("read random", .get(.uniform), [Figure(.memory), Figure(.latency(.get, .p99))]),
  limited("read zipfian", .get(.zipfian)),
  limited("read absent", .get(.absent)),
  limited("seek + 10", .seek(entries: 10)),
  limited("overwrite random", .put(batch: 1), [Figure(.memory)], start: .filled),
  Workload(
    name: "limited: scan forward", data: .beyond, action: .scan(backward: false), isLimited: true),
]

/// More than any engine gets through with the disk.
private let limitedOperations = 500_000

/// For so long, as engines differ by hundreds of times where the system reads ahead for them.
private func limited(
  _ name: String, _ action: Workload.Action, _ figures: [Figure] = [],
  start: Workload.Start = .shared
) -> Workload {
  Workload(
    name: "limited: \(name)", data: .beyond, action: action, start: start,
    amount: .scaled(limitedOperations, least: 50_000), seconds: 10, isLimited: true,
    measuresLatency: true,
    figures: [Figure(.operationRate)] + figures)
}
