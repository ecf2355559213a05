import Varve

// Reads, now or at a snapshot, each in the ways that there are.

extension ModelRun {
  /// Looks at the store, which must show what the model does; or says that what it needs lies in a bucket that
  /// does not answer, where that may be.
  mutating func read(_ body: (inout ModelRun) throws -> Void) throws {
    do {
      try body(&self)
    } catch let error as StoreError where error.code == .unavailable {
      guard let side, side.mayBeCold, !side.isAnswering else { throw error }
      trace.note(-2)
      tally.unanswered += 1
    }
  }

  /// What a read looks at; nil where there is nothing to look at.
  struct Moment {
    var keyspace: Keyspace
    var snapshot: Snapshot?
    var model: StoreModel
  }

  func moment(_ keyspace: Int, at slot: Int?) -> Moment? {
    if let slot, let kept = snapshots[slot] {
      guard let holder = kept.holders[keyspace], holder.isLive else { return nil }
      return Moment(keyspace: holder.keyspace, snapshot: kept.snapshot, model: kept.model)
    }
    guard let holder = holders[keyspace] else { return nil }
    return Moment(keyspace: holder.keyspace, snapshot: nil, model: model)
  }

  /// Whether the keyspace was dropped, which reads of the present, however they are done, then say.
  func refuses(_ keyspace: Int, _ moment: Moment, _ what: String) throws -> Bool {
    guard moment.snapshot == nil, holders[keyspace]?.isLive == false else { return false }
    for (way, read) in Self.waysToRead {
      try expect(.notFound, "\(what): \(way)") { _ in try read(moment.keyspace) }
    }
    return true
  }

  private static let waysToRead: KeyValuePairs<String, @Sendable (Keyspace) throws -> Void> = [
    "value": { _ = try $0.value(for: "key 1") },
    "contains": { _ = try $0.contains("key 1") },
    "size": { _ = try $0.size(ofValueFor: "key 1") },
    "withValue": { try $0.withValue(for: "key 1") { _ in } },
    "values": { _ = try $0.values(for: ["key 1"]) },
    "withVector": { try $0.withVector(for: "key 1", as: UInt8.self) { _ in } },
    "forEachVector": { try $0.forEachVector(as: UInt8.self) { _, _ in } },
    "forEach": { try $0.forEach { _, _ in } },
    "cursor": { _ = try $0.cursor().key.count },
    "approximateSize": { _ = try $0.approximateSize(of: .all) },
    "fetchValue": { keyspace in
      _ = try WaitingExecutor.wait { try await keyspace.fetchValue(for: "key 1") }
    },
    "fetchValues": { keyspace in
      _ = try WaitingExecutor.wait { try await keyspace.fetchValues(for: ["key 1"]) }
    },
  ]

  mutating func get(_ number: Int, _ key: [UInt8], at slot: Int?) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "get") else { return }
    let expected = moment.model.entry(of: key, in: number)?.shown.value
    let keyspace = moment.keyspace
    let (found, size, lent, isThere): ([UInt8]?, Int?, [UInt8]?, Bool)
    if let snapshot = moment.snapshot {
      found = try snapshot.value(for: key, in: keyspace)
      size = try snapshot.size(ofValueFor: key, in: keyspace)
      lent = try snapshot.withValue(for: key, in: keyspace) { [UInt8](copying: $0) }
      isThere = try snapshot.contains(key, in: keyspace)
    } else {
      found = try keyspace.value(for: key)
      size = try keyspace.size(ofValueFor: key)
      lent =
        try lends
        ? keyspace.withValue(bytes: key.span) { [UInt8](copying: $0) }
        : keyspace.withValue(for: key) { [UInt8](copying: $0) }
      isThere = try keyspace.contains(key)
    }
    trace.note(found)
    guard Self.isSame(found, expected), Self.isSame(lent, expected), size == expected?.count,
      isThere == (expected != nil)
    else { throw Difference("keyspace \(number), \(key): \(found?.count ?? -1) bytes") }
  }

  mutating func getMany(_ number: Int, _ keys: [[UInt8]], at slot: Int?) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "get") else { return }
    let found =
      try moment.snapshot?.values(for: keys, in: moment.keyspace)
      ?? moment.keyspace.values(for: keys)
    guard found.count == keys.count else {
      throw Difference("\(found.count) of \(keys.count) keys")
    }
    for (key, found) in zip(keys, found) {
      trace.note(found)
      guard Self.isSame(found, moment.model.entry(of: key, in: number)?.shown.value) else {
        throw Difference("keyspace \(number), \(key) among many: \(found?.count ?? -1) bytes")
      }
    }
  }

  static func isSame(_ left: [UInt8]?, _ right: [UInt8]?) -> Bool {
    guard let left, let right else { return left == nil && right == nil }
    return left.isSame(as: right)
  }
}

// MARK: - Scans

extension ModelRun {
  mutating func scan(
    _ number: Int, _ range: KeyRange, _ order: ScanOrder, keysOnly: Bool, at slot: Int?
  ) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "scan") else {
      return
    }
    let expected = moment.model.entries(of: number, range, order: order)
    let found: [StoreModel.Entry]
    if keysOnly {
      found = try Self.keys(of: moment.keyspace, range, order, at: moment.snapshot)
      if moment.snapshot == nil { try judgeSize(of: range, number, moment.keyspace) }
    } else {
      found = try moment.keyspace.entries(range, order: order, at: moment.snapshot)
        .map { StoreModel.Entry($0.key, $0.value) }
    }
    let isSame = found.elementsEqual(expected) { found, expected in
      found.shown.key.isSame(as: expected.shown.key)
        && (keysOnly
          ? found.expiry == expected.expiry : found.shown.value.isSame(as: expected.shown.value))
    }
    note(found)
    guard !isSame else { return }
    try differ(
      number, "\(order) scan of \(range)\(slot == nil ? "" : " at a snapshot")", found, expected)
  }

  /// The same between two keys, as a range of Swift's.
  mutating func scan(
    _ number: Int, betweenKeys one: [UInt8], _ other: [UInt8], _ order: ScanOrder, at slot: Int?
  ) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "scan") else {
      return
    }
    let (one, other) = (OrderedKey(bytes: one), OrderedKey(bytes: other))
    let keys = min(one, other)..<max(one, other)
    let range = KeyRange(from: keys.lowerBound.bytes, to: keys.upperBound.bytes)
    let expected = moment.model.entries(of: number, range, order: order)
    var found: [StoreModel.Entry] = []
    try moment.keyspace.forEach(in: keys, order: order, at: moment.snapshot) { key, value in
      found.append(StoreModel.Entry([UInt8](copying: key), [UInt8](copying: value)))
    }
    note(found)
    guard found.map(\.shown) != expected.map(\.shown) else { return }
    try differ(number, "\(order) scan between keys \(range)", found, expected)
  }

  private func differ(
    _ number: Int, _ scan: String, _ found: [StoreModel.Entry], _ expected: [StoreModel.Entry]
  ) throws {
    let place = zip(found, expected).prefix { $0.shown.key.isSame(as: $1.shown.key) }.count
    throw Difference(
      "keyspace \(number), \(scan): found \(found.count) entries, not \(expected.count); "
        + "the same keys up to \(place)")
  }

  /// Keys and expiries, of a cursor that reads no values.
  private static func keys(
    of keyspace: Keyspace, _ range: KeyRange, _ order: ScanOrder, at snapshot: Snapshot?
  ) throws -> [StoreModel.Entry] {
    var cursor = try keyspace.cursor(range, order: order, at: snapshot, readsValues: false)
    var found: [StoreModel.Entry] = []
    while try cursor.next() {
      guard cursor.value.isEmpty else { throw Difference("a cursor of keys lends a value") }
      found.append(StoreModel.Entry([UInt8](copying: cursor.key), [], expiry: cursor.expiry ?? 0))
    }
    return found
  }

  private mutating func note(_ entries: [StoreModel.Entry]) {
    trace.note(entries.count)
    for entry in entries {
      trace.note(entry.shown.key)
      trace.note(entry.shown.value)
    }
  }

  /// Every keyspace whole, both ways, now and at every snapshot.
  mutating func compareAll() throws {
    for number in holders.indices {
      for order in [ScanOrder.ascending, .descending] {
        try read { run in try run.scan(number, .all, order, keysOnly: false, at: nil) }
        for slot in snapshots.indices where snapshots[slot] != nil {
          try read { run in try run.scan(number, .all, order, keysOnly: false, at: slot) }
        }
      }
      try read { run in try run.scan(number, .all, .ascending, keysOnly: true, at: nil) }
    }
    let live = try opened.keyspaces.map(\.name)
    let numbers = holders.indices.filter { model.keyspaces[$0] != nil }
    guard live == numbers.map({ ModelOptions.names[$0] }).sorted() else {
      throw Difference("the store has the keyspaces \(live)")
    }
  }
}
