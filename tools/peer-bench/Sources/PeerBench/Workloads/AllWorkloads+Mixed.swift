/// Readers and writers together, and the Yahoo! Cloud Serving Benchmark's mixes on entries of
/// 16 + 100 bytes.
let mixedWorkloads: [Workload] =
  [
    Workload(
      name: "mixed, 8 threads", data: .small,
      action: .mix(Mix(gets: 0.5, updates: 0.5, pick: .uniform)), start: .filled,
      amount: .scaled(400_000), threads: 8, measuresLatency: true,
      figures: [
        Figure(.operationRate), Figure(.latency(.put, .p999)), Figure(.latency(.get, .p999)),
      ])
  ]
  + [
    ("A", Mix(gets: 0.5, updates: 0.5)),
    ("B", Mix(gets: 0.95, updates: 0.05)),
    ("C", Mix(gets: 1)),
    ("D", Mix(gets: 0.95, inserts: 0.05, pick: .latest)),
    ("E", Mix(inserts: 0.05, scans: 0.95)),
    ("F", Mix(gets: 0.5, rewrites: 0.5)),
  ].map { letter, mix in
    Workload(
      name: "YCSB \(letter)", data: .small, action: .mix(mix), start: .filled,
      amount: .scaled(mix.scans > 0 ? 50_000 : 200_000, least: mix.scans > 0 ? 10_000 : 50_000))
  }

/// Syncs, opening, recovery, and what rests on disk.
let lifecycleWorkloads: [Workload] = [
  Workload(
    name: "durable put", data: .small, action: .put(batch: 1), start: .empty,
    amount: .scaled(500, least: 100), isDurable: true, turns: 10, measuresLatency: true,
    hasReference: true,
    figures: [
      Figure(.operationRate, .ofReference(0.95), .timesBestWithinReference(1.2)),
      Figure(.latency(.put, .max)),
    ]),
  Workload(
    name: "durable put, 8 threads", data: .small, action: .put(batch: 1), start: .empty,
    amount: .scaled(2000), threads: 8, isDurable: true, turns: 5, hasReference: true,
    figures: [Figure(.operationRate, .timesBest(1.5))]),
  Workload(
    name: "open", data: .small, action: .open, turns: 5,
    figures: [Figure(.duration, .atMost(5))]),
  Workload(
    name: "open about 1,000 files", data: .files, action: .open, fileCount: 1000, turns: 5,
    figures: [Figure(.duration, .atMost(5))]),
  Workload(
    name: "replay a log", data: .small, action: .replay, start: .empty,
    amount: .exactly(100_000), turns: 5, figures: [Figure(.megabyteRate, .atLeast(150))]),
  Workload(
    name: "replay a log, 3 KiB", data: .large, action: .replay, start: .empty,
    amount: .exactly(10_000), turns: 5, figures: [Figure(.megabyteRate, .atLeast(500))]),
  Workload(name: "at rest", data: .small, action: .rest, figures: [onDisk]),
  Workload(name: "at rest, 3 KiB", data: .large, action: .rest, figures: [onDisk]),
]

private let onDisk = Figure(.onDisk, .timesSmallest(0.8), pass: .byDefault)

/// What takes long at full scale: many memtables, and a minute of the heaviest load.
let lastingWorkloads: [Workload] = [
  Workload(
    name: "fill 20 M, drained", data: .many, action: .put(batch: 1), start: .empty,
    isDrained: true, scalesBuffers: true, isLong: true, without: ["SQLite"],
    figures: [
      Figure(.operationRate, .timesBest(2)), Figure(.written), Figure(.memory), Figure(.onDisk),
    ]),
  Workload(
    name: "overwrite 20 buffers", data: .small, action: .put(batch: 1), start: .filled,
    amount: .buffers(20), isDrained: true, scalesBuffers: true, isLong: true, without: ["SQLite"],
    figures: [Figure(.operationRate), Figure(.written, .times("RocksDB", 0.7))]),
  Workload(
    name: "overwrite 20 buffers, 3 KiB", data: .large, action: .put(batch: 1), start: .filled,
    amount: .buffers(20), isDrained: true, scalesBuffers: true, isLong: true, without: ["SQLite"],
    figures: [Figure(.megabyteRate), Figure(.written, .atMost(1.3))]),
  Workload(
    name: "a minute of puts", data: .small, action: .put(batch: 1), start: .filled, seconds: 60,
    isLong: true, measuresLatency: true, without: ["SQLite"],
    figures: [Figure(.operationRate)] + putLatencies),
  Workload(
    name: "a minute of puts, 3 KiB", data: .large, action: .put(batch: 1), start: .filled,
    seconds: 60, isLong: true, measuresLatency: true, without: ["SQLite"],
    figures: [Figure(.megabyteRate)] + putLatencies),
  Workload(
    name: "a minute of puts and gets", data: .small,
    action: .mix(Mix(gets: 0.5, updates: 0.5, pick: .uniform)), start: .filled, threads: 2,
    seconds: 60, isLong: true, measuresLatency: true, without: ["SQLite"],
    figures: [
      Figure(.operationRate), Figure(.latency(.put, .p999)), Figure(.latency(.get, .p50)),
      Figure(.latency(.get, .p99)), Figure(.latency(.get, .p999)), Figure(.latency(.get, .max)),
    ]),
]

private let putLatencies = [
  Figure(.latency(.put, .p50)), Figure(.latency(.put, .p99)),
  Figure(.latency(.put, .p999), .shortTail), Figure(.latency(.put, .max), .atMost(100_000)),
]

/// Real records, where their files are named.
let realWorkloads: [Workload] = [DataKind.packages, .embeddings].flatMap { kind in
  [
    Workload(
      name: "fill \(kind)", data: kind, action: .put(batch: 1), start: .empty,
      figures: [Figure(.megabyteRate)]),
    Workload(
      name: "read \(kind)", data: kind, action: .get(.uniform), amount: .scaled(200_000)),
    Workload(name: "scan \(kind)", data: kind, action: .scan(backward: false)),
    Workload(
      name: "at rest, \(kind)", data: kind, action: .rest,
      // Nobody can make embeddings much smaller without losing some of them: there is no goal.
      figures: [kind == .packages ? onDisk : Figure(.onDisk)]),
  ]
}
