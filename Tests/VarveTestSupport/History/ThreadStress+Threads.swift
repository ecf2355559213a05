import Varve
import VarvePlatform
import VarveSimulation

// What each thread does, once.

extension ThreadStress {
  func write(_ writer: Int, _ recorder: inout Recorder) throws {
    recorder.rounds += 1
    let round = recorder.rounds
    var batch = WriteBatch()
    for (number, keyspace) in keyspaces.enumerated() {
      let value = StressValue.bytes(writer, number, round)
      let slots = Sighting.slotCount
      batch.put(StressValue.key(of: writer, slot: round % slots), value, in: keyspace)
      batch.delete(StressValue.key(of: writer, slot: (round + 4) % slots), in: keyspace)
      batch.put(StressValue.key(of: writer), value, in: keyspace)
    }
    let isSynced = recorder.random.below(8) == 0
    try recorder.note {
      try store.commit(batch, durability: isSynced ? .synced : .buffered)
      return .wrote(writer: writer, round: round, isSynced: isSynced)
    }
  }

  func get(_ recorder: inout Recorder) throws {
    let writer = recorder.random.below(Self.writerCount)
    let number = recorder.random.below(keyspaces.count)
    try recorder.note {
      let round = try keyspaces[number].withValue(for: StressValue.key(of: writer)) {
        StressValue.round(of: $0, writer, number)
      }
      return .saw([Sighting(writer: writer, keyspace: number, .mark(round ?? 0))])
    }
  }

  func getMany(_ recorder: inout Recorder) throws {
    let number = recorder.random.below(keyspaces.count)
    let keys = (0..<Self.writerCount).map { StressValue.key(of: $0) }
    try recorder.note {
      let values = try keyspaces[number].values(for: keys)
      return .saw(
        values.enumerated().map { writer, value in
          let round = value.map { StressValue.round(of: $0.span, writer, number) }
          return Sighting(writer: writer, keyspace: number, .mark(round ?? 0))
        })
    }
  }

  func scan(_ recorder: inout Recorder) throws {
    let number = recorder.random.below(keyspaces.count)
    let order = recorder.random.below(2) == 0 ? ScanOrder.ascending : .descending
    try recorder.note {
      var cursor = try keyspaces[number].cursor(order: order)
      return .saw(try Self.sightings(of: &cursor, number, order))
    }
  }

  /// The moment is fixed when the snapshot is taken; it is looked at in several ways, now and later.
  func keepSnapshots(_ recorder: inout Recorder) throws {
    let begin = clock.monotonicNanoseconds()
    let snapshot = try store.snapshot()
    let end = clock.monotonicNanoseconds()
    var sightings: [Sighting] = []
    for turn in 0..<2 {
      for (number, keyspace) in keyspaces.enumerated() {
        let order = recorder.random.below(2) == 0 ? ScanOrder.ascending : .descending
        var cursor = try keyspace.cursor(order: order, at: snapshot)
        sightings += try Self.sightings(of: &cursor, number, order)
        for writer in 0..<Self.writerCount {
          let round = try snapshot.withValue(for: StressValue.key(of: writer), in: keyspace) {
            StressValue.round(of: $0, writer, number)
          }
          sightings.append(Sighting(writer: writer, keyspace: number, .mark(round ?? 0)))
        }
      }
      if turn == 0 { Self.sleep(UInt64(recorder.random.below(20))) }
    }
    snapshot.close()
    recorder.records.append(
      HistoryRecord(thread: recorder.thread, begin: begin, end: end, .saw(sightings)))
  }

  /// The moment is fixed when the cursor is made, or refreshed; it is walked twice.
  func keepCursors(_ recorder: inout Recorder) throws {
    if recorder.cursors.isEmpty {
      for keyspace in keyspaces {
        for order in [ScanOrder.ascending, .descending] {
          recorder.cursors.append(StressCursor(try keyspace.cursor(order: order), order))
        }
      }
    }
    let index = recorder.random.below(recorder.cursors.count)
    let (kept, number) = (recorder.cursors[index], index / 2)
    let begin = clock.monotonicNanoseconds()
    try kept.cursor.refresh()
    let end = clock.monotonicNanoseconds()
    var sightings = try Self.sightings(of: &kept.cursor, number, kept.order)
    let first =
      kept.order == .ascending
      ? StressValue.key(of: 0, slot: 0) : StressValue.key(of: Self.writerCount)
    if try kept.cursor.seek(to: first) {
      sightings += try Self.sightings(of: &kept.cursor, number, kept.order, stands: true)
    }
    recorder.records.append(
      HistoryRecord(thread: recorder.thread, begin: begin, end: end, .saw(sightings)))
  }
}

/// A cursor that is kept in an array.
final class StressCursor {
  var cursor: Cursor
  let order: ScanOrder

  init(_ cursor: consuming Cursor, _ order: ScanOrder) {
    self.cursor = cursor
    self.order = order
  }
}

// MARK: - Upkeep

extension ThreadStress {
  func flush(_ recorder: inout Recorder) throws {
    try store.flush()
    Self.sleep(UInt64(recorder.random.below(10)))
  }

  func compact(_ recorder: inout Recorder) throws {
    try store.compact()
    _ = store.metrics()
    Self.sleep(UInt64(recorder.random.below(30)))
  }

  func sync(_ recorder: inout Recorder) throws {
    try recorder.note {
      try store.sync()
      return .synced
    }
    Self.sleep(UInt64(recorder.random.below(5)))
  }

  /// Looks at a disk that a power cut now would leave, or after which the process alone has ended.
  func cutPower(_ recorder: inout Recorder) throws {
    guard let disk else { return }
    let mode = CrashMode.allCases[recorder.random.below(CrashMode.allCases.count)]
    let seed = recorder.random.next()
    // In turns, a power cut first.
    let isCut = recorder.records.count.isMultiple(of: 2)
    let begin = clock.monotonicNanoseconds()
    let image = isCut ? disk.crashImage(mode, seed: seed) : disk.killImage(seed: seed)
    let end = clock.monotonicNanoseconds()
    let again = try SegmentStore.open(
      at: store.path, options: .small,
      components: StoreComponents(
        fileSystem: image, clock: clock, random: SystemRandom(), background: .inline))
    let sightings = try Self.sightings(of: again)
    try again.close()
    recorder.records.append(
      HistoryRecord(
        thread: recorder.thread, begin: begin, end: end,
        .found(sightings, isCut ? .powerCut : .kill)))
    Self.sleep(20)
  }
}

/// A keyspace that was durable, and is not there.
struct LostKeyspace: Error {
  var name: String
}

/// A key that nobody wrote.
struct StrangeKey: Error {
  var key: String
}

// MARK: - Looking

extension ThreadStress {
  /// What a cursor shows of each writer: all that follows in its order.
  static func sightings(
    of cursor: inout Cursor, _ number: Int, _ order: ScanOrder, stands: Bool = false
  ) throws -> [Sighting] {
    var slots = [[Int]](repeating: [], count: writerCount)
    var marks = [Int](repeating: 0, count: writerCount)
    var stands = try stands || cursor.next()
    while stands {
      guard let (writer, isMark) = StressValue.parts(of: cursor.key), writer < writerCount else {
        throw StrangeKey(key: String(copying: cursor.key))
      }
      let round = StressValue.round(of: cursor.value, writer, number)
      if isMark { marks[writer] = round } else { slots[writer].append(round) }
      stands = try cursor.next()
    }
    return (0..<writerCount).flatMap { writer in
      let rounds = order == .ascending ? slots[writer] : slots[writer].reversed()
      return [
        Sighting(writer: writer, keyspace: number, .mark(marks[writer])),
        Sighting(writer: writer, keyspace: number, .slots(rounds)),
      ]
    }
  }

  /// What a store shows that nobody writes to. Its keyspaces were durable before anybody wrote.
  static func sightings(of store: SegmentStore) throws -> [Sighting] {
    var sightings: [Sighting] = []
    for (number, name) in keyspaceNames.enumerated() {
      guard let keyspace = try store.existingKeyspace(name) else { throw LostKeyspace(name: name) }
      var cursor = try keyspace.cursor()
      sightings += try Self.sightings(of: &cursor, number, .ascending)
    }
    return sightings
  }
}
