/// Lays out a workload's operations in the order of their use.
struct ScriptWriter {
  let arena = ByteArena()
  private let workload: Workload
  private let data: Dataset
  private var random = SeededRandom(7)

  init(_ workload: Workload, _ data: Dataset) {
    self.workload = workload
    self.data = data
  }

  mutating func steps(_ count: Int) -> Script.Steps {
    switch workload.action {
    case .put(batch: 1): .single(shared(out: puts(count)))
    case .put(let batch): .batches(puts(count), size: batch)
    case .replay: .single([puts(count)])
    case .bulkImport: .bulkImport(puts(count))
    case .delete: .single(shared(out: deletes(count)))
    case .get(let pick): .single(lanes(count) { $0.reads(.get, pick, $1) })
    case .getMany(let size): .groups(lanes(count) { $0.reads(.get, .uniform, $1) }, size: size)
    case .seek(let entries): .single(lanes(count) { $0.seeks(entries, $1) })
    case .prefix: .single(lanes(count) { $0.prefixes($1) })
    case .scan(let backward):
      // A small store is read several times, or there would be little to time.
      .scan(
        Scan(isBackward: backward), entries: data.count, laps: max(1, 500_000 / data.count))
    case .mix(let mix):
      .single((0..<workload.threads).map { mixed(mix, count / workload.threads, lane: $0) })
    case .open, .rest: .nothing
    }
  }

  /// The operations of one run divided among the threads.
  private func shared(out operations: [Operation]) -> [[Operation]] {
    guard workload.threads > 1 else { return [operations] }
    return (0..<workload.threads).map { lane in
      stride(from: lane, to: operations.count, by: workload.threads).map { operations[$0] }
    }
  }

  private mutating func lanes(
    _ count: Int, _ make: (inout ScriptWriter, Int) -> [Operation]
  ) -> [[Operation]] {
    (0..<workload.threads).map { _ in make(&self, max(1, count / workload.threads)) }
  }
}

// MARK: - Operations of one kind

extension ScriptWriter {
  private func puts(_ count: Int) -> [Operation] {
    let generation = workload.start == .empty ? 0 : 1
    return indices(count).map { index, lap in
      let key = data.placeKey(index, in: arena)
      return Operation(
        kind: .put, key: key,
        value: data.placeValue(index, generation: generation + lap, in: arena))
    }
  }

  private func deletes(_ count: Int) -> [Operation] {
    indices(count).map { Operation(kind: .delete, key: data.placeKey($0.index, in: arena)) }
  }

  /// Every record once in the workload's order, and again in another one as often as it takes.
  private func indices(_ count: Int) -> some Collection<(index: Int, lap: Int)> {
    let isAscending = workload.order == .ascending
    let orders = (0...max(0, count - 1) / data.count).map {
      Permutation(data.count, seed: UInt64($0) + 1)
    }
    return (0..<count).lazy.map { [size = data.count] place in
      let lap = place / size
      return (isAscending ? place % size : orders[lap][place % size], lap)
    }
  }

  private mutating func reads(_ kind: Operation.Kind, _ pick: Pick, _ count: Int) -> [Operation] {
    var picker = KeyPicker(pick, data.count)
    return (0..<count).map { _ in
      let index = picker.next(&random)
      let key =
        pick == .absent
        ? data.placeAbsentKey(index, in: arena) : data.placeKey(index, in: arena)
      return Operation(kind: kind, key: key)
    }
  }

  private mutating func seeks(_ entries: Int, _ count: Int) -> [Operation] {
    reads(.scan, .uniform, count).map {
      Operation(kind: .scan, limit: Int32(entries), key: $0.key)
    }
  }

  private mutating func prefixes(_ count: Int) -> [Operation] {
    reads(.scanPrefix, .uniform, count).map {
      Operation(kind: .scanPrefix, key: Bytes(rebasing: $0.key.dropLast(2)))
    }
  }
}

// MARK: - Mixed operations

extension ScriptWriter {
  private mutating func mixed(_ mix: Mix, _ count: Int, lane: Int) -> [Operation] {
    var picker = KeyPicker(mix.pick, data.count)
    var inserted = 0
    return (0..<count).map { place in
      let index = picker.next(&random, inserted: inserted)
      let (kind, isInsert) = pick(mix)
      switch kind {
      case .put where isInsert:
        inserted += 1
        let index = (inserted - 1) % data.count
        return Operation(
          kind: .put, key: data.placeAbsentKey(index, in: arena),
          value: data.placeValue(index, generation: 1, in: arena))
      case .scan:
        let limit = Int32.random(in: 1...100, using: &random)
        return Operation(kind: .scan, limit: limit, key: key(index))
      case .get: return Operation(kind: .get, key: key(index))
      default:
        let index = own(index, lane: lane)
        return Operation(
          kind: kind, key: data.placeKey(index, in: arena),
          value: data.placeValue(index, generation: 1 + place, in: arena))
      }
    }
  }

  /// The key of a record, or of one inserted in this run where the index is beyond all records.
  private func key(_ index: Int) -> Bytes {
    index < data.count
      ? data.placeKey(index, in: arena)
      : data.placeAbsentKey((index - data.count) % data.count, in: arena)
  }

  /// The next key that only this thread writes: what is stored at the end does not depend on which
  /// thread was faster.
  private func own(_ index: Int, lane: Int) -> Int {
    let first = index % data.count
    let own = first - first % workload.threads + lane
    return own < data.count ? own : lane
  }

  private mutating func pick(_ mix: Mix) -> (kind: Operation.Kind, isInsert: Bool) {
    var rest = Double(random.next() >> 11) / Double(1 << 53)
    let shares: [(Double, Operation.Kind, Bool)] = [
      (mix.inserts, .put, true), (mix.updates, .put, false), (mix.scans, .scan, false),
      (mix.rewrites, .rewrite, false),
    ]
    for (share, kind, isInsert) in shares {
      rest -= share
      if rest < 0 { return (kind, isInsert) }
    }
    return (.get, false)
  }
}
