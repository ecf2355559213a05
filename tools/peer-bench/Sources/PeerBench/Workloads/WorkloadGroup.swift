/// Lines that belong together.
struct WorkloadGroup {
  /// Stands for all of them on the command line.
  var name: String
  var title: String
  var workloads: [Workload]
}

/// In the order of the table.
let allGroups: [WorkloadGroup] = [
  WorkloadGroup(name: "writing", title: "Writing", workloads: writingWorkloads),
  WorkloadGroup(name: "reading", title: "Reading", workloads: readingWorkloads),
  WorkloadGroup(name: "threads", title: "Reading by threads", workloads: threadedWorkloads),
  WorkloadGroup(
    name: "limited", title: "With a quarter of the store's size for memory",
    workloads: limitedWorkloads),
  WorkloadGroup(name: "mixes", title: "Reading and writing", workloads: mixedWorkloads),
  WorkloadGroup(
    name: "lifecycle", title: "Syncs, opening, recovery, rest", workloads: lifecycleWorkloads),
  WorkloadGroup(name: "lasting", title: "What takes minutes", workloads: lastingWorkloads),
  WorkloadGroup(name: "real", title: "Real records", workloads: realWorkloads),
]

/// Every workload, in the order of the table.
let allWorkloads = allGroups.flatMap(\.workloads)
