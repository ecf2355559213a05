/// Every line, in the order of the table.
let allWorkloads: [Workload] = [
  Workload(name: "fill random", data: .small, action: .put(batch: 1), start: .empty),
  Workload(name: "fill random, by 100", data: .small, action: .put(batch: 100), start: .empty),
  Workload(
    name: "fill in order", data: .small, action: .put(batch: 1), start: .empty, order: .ascending),
  Workload(name: "overwrite random", data: .small, action: .put(batch: 1), start: .filled),
  Workload(
    name: "fill 3 KiB", data: .large, action: .put(batch: 1), start: .empty, unit: .megabytes),
  Workload(
    name: "fill 3 KiB, by 100", data: .large, action: .put(batch: 100), start: .empty,
    unit: .megabytes),
  Workload(name: "read random", data: .small, action: .get, operations: 500_000),
  Workload(name: "read absent", data: .small, action: .getAbsent, operations: 500_000),
  Workload(name: "scan forward", data: .small, action: .scan(backward: false)),
  Workload(name: "scan backward", data: .small, action: .scan(backward: true)),
  Workload(name: "seek + 10", data: .small, action: .seek(entries: 10), operations: 200_000),
  Workload(name: "read random 3 KiB", data: .large, action: .get, operations: 200_000),
  Workload(
    name: "durable put", data: .small, action: .put(batch: 1), start: .empty, operations: 500,
    isDurable: true, turns: 10),
  Workload(
    name: "fill embeddings", data: .embeddings, action: .put(batch: 1), start: .empty,
    unit: .megabytes),
  Workload(name: "read embeddings", data: .embeddings, action: .get, operations: 200_000),
  Workload(name: "scan embeddings", data: .embeddings, action: .scan(backward: false)),
]
