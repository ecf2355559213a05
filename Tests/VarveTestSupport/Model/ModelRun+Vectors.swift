import Varve

// Values as rows of numbers, and reads of tasks.

extension ModelRun {
  mutating func getVector(
    _ number: Int, _ key: [UInt8], as kind: ModelNumber, at slot: Int?
  ) throws {
    switch kind {
    case .float: try getVector(number, key, as: Float.self, at: slot)
    case .double: try getVector(number, key, as: Double.self, at: slot)
    case .byte: try getVector(number, key, as: UInt8.self, at: slot)
    case .half: try getVector(number, key, as: UInt16.self, at: slot)
    }
  }

  private mutating func getVector<Number: Numeric & BitwiseCopyable>(
    _ number: Int, _ key: [UInt8], as type: Number.Type, at slot: Int?
  ) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "vector") else {
      return
    }
    let expected = moment.model.entry(of: key, in: number)?.shown.value
    let keyspace = moment.keyspace
    let look = { (span: Span<Number>) in try Self.bytes(of: span, keyspace.policy) }
    let found: [UInt8]?
    do {
      found =
        try moment.snapshot.map { try $0.withVector(for: key, in: keyspace, as: type, look) }
        ?? keyspace.withVector(for: key, as: type, look)
    } catch let error as StoreError where error.code == .invalid {
      if Self.isRow(expected, of: type) { throw error }
      return
    }
    trace.note(found)
    guard Self.isRow(expected, of: type), Self.isSame(found, expected) else {
      throw Difference("keyspace \(number), \(key) as \(type): \(found?.count ?? -1) bytes")
    }
  }

  mutating func scanVectors(
    _ number: Int, _ range: KeyRange, _ order: ScanOrder, as kind: ModelNumber, at slot: Int?
  ) throws {
    switch kind {
    case .float: try scanVectors(number, range, order, as: Float.self, at: slot)
    case .double: try scanVectors(number, range, order, as: Double.self, at: slot)
    case .byte: try scanVectors(number, range, order, as: UInt8.self, at: slot)
    case .half: try scanVectors(number, range, order, as: UInt16.self, at: slot)
    }
  }

  private mutating func scanVectors<Number: Numeric & BitwiseCopyable>(
    _ number: Int, _ range: KeyRange, _ order: ScanOrder, as type: Number.Type, at slot: Int?
  ) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "vectors") else {
      return
    }
    let all = moment.model.entries(of: number, range, order: order).map(\.shown)
    // It ends at the first value that is no row of such numbers.
    let expected = Array(all.prefix { Self.isRow($0.value, of: type) })
    var (found, isRefused): ([KeyValue], Bool) = ([], false)
    do {
      try moment.keyspace.forEachVector(as: type, in: range, order: order, at: moment.snapshot) {
        key, vector in
        let bytes = try Self.bytes(of: vector, moment.keyspace.policy)
        found.append(KeyValue([UInt8](copying: key), bytes))
      }
    } catch let error as StoreError where error.code == .invalid {
      if expected.count == all.count { throw error }
      isRefused = true
    }
    trace.note(found.count)
    guard found == expected else {
      throw Difference("keyspace \(number): \(found.count) vectors, not \(expected.count)")
    }
    guard isRefused == (expected.count < all.count) else {
      throw Difference("keyspace \(number): \(found.count) vectors, and no word of what is none")
    }
  }

  private static func isRow<Number>(_ bytes: [UInt8]?, of type: Number.Type) -> Bool {
    (bytes?.count ?? 0) % MemoryLayout<Number>.stride == 0
  }

  /// The bytes of numbers, which must lie as the keyspace promises.
  private static func bytes<Number: BitwiseCopyable>(
    of vector: Span<Number>, _ policy: KeyspacePolicy
  ) throws -> [UInt8] {
    let alignment = max(policy.valueAlignment, MemoryLayout<Number>.alignment)
    return try unsafe vector.withUnsafeBytes { raw in
      let address = UInt(bitPattern: raw.baseAddress)
      guard unsafe raw.isEmpty || address % UInt(alignment) == 0 else {
        throw Difference("a vector is not aligned to \(alignment)")
      }
      return unsafe Array(raw)
    }
  }

  func makeWrongVectors(dimension: Int) throws {
    try expect(.invalid, "vectors of \(dimension) numbers") { store in
      _ = try store.keyspace("wrong", .vectors(of: Float.self, dimension: dimension))
    }
  }
}

// MARK: - Reads of tasks

extension ModelRun {
  mutating func fetch(_ number: Int, _ keys: [[UInt8]], at slot: Int?) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "fetch") else {
      return
    }
    let (keyspace, snapshot) = (moment.keyspace, moment.snapshot)
    let found = try WaitingExecutor.wait {
      let first = try await keyspace.fetchValue(for: keys[0], at: snapshot)
      return [first] + (try await keyspace.fetchValues(for: keys, at: snapshot))
    }
    for (key, found) in zip([keys[0]] + keys, found) {
      trace.note(found)
      guard Self.isSame(found, moment.model.entry(of: key, in: number)?.shown.value) else {
        throw Difference("keyspace \(number), \(key) fetched: \(found?.count ?? -1) bytes")
      }
    }
    guard found.count == keys.count + 1 else { throw Difference("\(found.count) were fetched") }
  }

  mutating func scanOnThread(_ number: Int, at slot: Int?) throws {
    guard let moment = moment(number, at: slot), try !refuses(number, moment, "scan") else {
      return
    }
    let (store, keyspace, snapshot) = (try opened, moment.keyspace, moment.snapshot)
    let found = try WaitingExecutor.wait {
      try await store.withReadThread { try keyspace.entries(at: snapshot) }
    }
    trace.note(found.count)
    guard found == moment.model.entries(of: number).map(\.shown) else {
      throw Difference("keyspace \(number) on a thread: \(found.count) entries")
    }
  }
}
