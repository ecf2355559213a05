/// A line with its operations laid out, so that nothing is left to do under the clock but them.
///
/// Keys and values are copied in the order of their use, as fresh ones lie in a program that makes
/// them: waiting for memory of the benchmark's own would make all engines look alike.
struct PreparedWorkload {
  let workload: Workload
  let data: Dataset
  private var records: [Record] = []
  private var keys: [Bytes] = []
  /// What `records` and `keys` lie in.
  private var memory: [ByteTable] = []

  init(_ workload: Workload, _ data: Dataset, scale: Double) {
    self.workload = workload
    self.data = data
    let wanted = workload.operations.map { max(1, Int(Double($0) * scale)) } ?? data.count
    var random = SeededRandom(7)
    defer { layOut() }
    switch workload.action {
    case .put:
      // Writing the same value again could be skipped by a clever engine.
      let shift = workload.start == .empty ? 0 : 1
      var order = Array(0..<data.count)
      if workload.order == .random { order.shuffle(using: &random) }
      records = order.prefix(wanted).map { data.record($0, valueShift: shift) }
    case .get, .seek:
      keys = (0..<wanted).map { _ in data.keys[Int.random(in: 0..<data.count, using: &random)] }
    case .getAbsent:
      keys = (0..<wanted).map { _ in
        data.absentKeys[Int.random(in: 0..<data.count, using: &random)]
      }
    case .scan: break
    }
  }

  private mutating func layOut() {
    if records.isEmpty {
      let table = ByteTable(copying: keys)
      memory = [table]
      keys = (0..<table.count).map { table[$0] }
    } else {
      let (keys, values) = (
        ByteTable(copying: records.map(\.key)), ByteTable(copying: records.map(\.value))
      )
      memory = [keys, values]
      records = (0..<keys.count).map { Record(key: keys[$0], value: values[$0]) }
    }
  }

  /// Operations of one run: what is put, looked up, or stepped over.
  var operationCount: Int {
    switch workload.action {
    case .put: records.count
    case .get, .getAbsent, .seek: keys.count
    case .scan: data.count
    }
  }

  /// Bytes of the keys and values written.
  var writtenBytes: Int { records.reduce(0) { $0 + $1.key.count + $1.value.count } }

  /// Items that a right engine hands to the tally.
  var expectedItems: Int? {
    switch workload.action {
    case .put: nil
    case .get: keys.count
    case .getAbsent: 0
    case .scan: 2 * data.count
    case .seek: nil
    }
  }

  /// Does it all once.
  func run(_ peer: some Peer, into tally: inout Tally) throws {
    defer { withExtendedLifetime(memory) {} }
    switch workload.action {
    case .put(batch: 1):
      for record in records { try peer.put(record) }
    case .put(let batch):
      for start in stride(from: 0, to: records.count, by: batch) {
        try peer.put(records[start..<min(start + batch, records.count)])
      }
    case .get, .getAbsent:
      for key in keys { try peer.get(key, into: &tally) }
    case .scan(let backward):
      try peer.scan(from: nil, limit: .max, backward: backward, into: &tally)
    case .seek(let entries):
      for key in keys { try peer.scan(from: key, limit: entries, backward: false, into: &tally) }
    }
  }
}
