import Varve

// Changes: told to the model as begun before the store is asked, and as done when it has answered.

extension ModelRun {
  mutating func change(_ operation: ModelOperation) throws {
    switch operation {
    case .makeKeyspace(let keyspace): try makeKeyspace(keyspace)
    case .dropKeyspace(let keyspace): try dropKeyspace(keyspace)
    case .put(let keyspace, let key, let value, .until(let milliseconds), let durability):
      // Only a batch takes a moment.
      try commit([.put(keyspace, key: key, value, .until(milliseconds: milliseconds))], durability)
    case .put(let keyspace, let key, let value, let life, let durability):
      try put(keyspace, key, value, life, durability)
    case .delete(let keyspace, let key, let durability): try delete(keyspace, key, durability)
    case .commit(let writes, let durability): try commit(writes, durability)
    default: break
    }
  }

  private mutating func makeKeyspace(_ number: Int) throws {
    let isNew = model.keyspaces[number] == nil
    if isNew { begin(.make(number)) }
    let made = try opened.keyspace(ModelOptions.names[number], options.policy(of: number))
    holders[number] = Holder(keyspace: made)
    guard isNew else { return }
    model.apply(.make(number))
    settle()
  }

  private mutating func dropKeyspace(_ number: Int) throws {
    let name = ModelOptions.names[number]
    guard number > 0, model.keyspaces[number] != nil else {
      let expected = number == 0 ? StoreError.Code.invalid : .notFound
      return try expect(expected, "drop \(name)") { store in try store.dropKeyspace(name) }
    }
    begin(.drop(number))
    try opened.dropKeyspace(name)
    holders[number]?.isLive = false
    model.apply(.drop(number))
    settle()
  }

  private mutating func put(
    _ keyspace: Int, _ key: Int, _ value: ModelValue, _ life: ModelLife, _ durability: Durability
  ) throws {
    guard let holder = holders[keyspace] else { return }
    var milliseconds: UInt64?
    if case .lasting(let life) = life { milliseconds = UInt64(life) }
    let write = ModelWrite.put(keyspace, key: key, value, life)
    try perform([write], durability, refusedAs: refusal(of: [write], isAlone: true)) { _ in
      let (keyspace, key) = (holder.keyspace, modelKey(key))
      if value.isVector {
        try keyspace.put(
          key, vector: value.numbers.span, durability: durability, expiresIn: milliseconds)
      } else {
        try keyspace.put(key, value.bytes, durability: durability, expiresIn: milliseconds)
      }
    }
  }

  private mutating func delete(_ keyspace: Int, _ key: Int, _ durability: Durability) throws {
    guard let holder = holders[keyspace] else { return }
    let write = ModelWrite.delete(keyspace, key: key)
    try perform([write], durability, refusedAs: refusal(of: [write], isAlone: true)) { _ in
      try holder.keyspace.delete(modelKey(key), durability: durability)
    }
  }

  private mutating func commit(_ all: [ModelWrite], _ durability: Durability) throws {
    let writes = all.filter { holders[$0.keyspace] != nil }
    var batch = WriteBatch()
    for write in writes { add(write, to: &batch) }
    try perform(writes, durability, refusedAs: refusal(of: writes, isAlone: false)) { store in
      try store.commit(batch, durability: durability)
    }
  }

  private func add(_ write: ModelWrite, to batch: inout WriteBatch) {
    guard let keyspace = holders[write.keyspace]?.keyspace else { return }
    switch write {
    case .delete(_, let key): batch.delete(modelKey(key), in: keyspace)
    case .put(_, let key, let value, .usual) where value.isVector:
      batch.put(modelKey(key), vector: value.numbers.span, in: keyspace)
    case .put(_, let key, let value, .lasting(let milliseconds)) where value.isVector:
      batch.put(
        modelKey(key), vector: value.numbers.span, in: keyspace, expiresIn: UInt64(milliseconds))
    case .put(_, let key, let value, .usual): batch.put(modelKey(key), value.bytes, in: keyspace)
    case .put(_, let key, let value, .lasting(let milliseconds)):
      batch.put(modelKey(key), value.bytes, in: keyspace, expiresIn: UInt64(milliseconds))
    case .put(_, let key, let value, .until(let milliseconds)):
      batch.put(modelKey(key), value.bytes, in: keyspace, expiresAt: moment(in: milliseconds))
    }
  }

  private func moment(in milliseconds: Int) -> UInt64 {
    UInt64(Int(model.now) + milliseconds)
  }
}

// MARK: - What is expected

extension ModelRun {
  /// Performs writes that are expected to be taken whole, or to be refused whole.
  private mutating func perform(
    _ writes: [ModelWrite], _ durability: Durability, refusedAs refusal: StoreError.Code?,
    _ body: (SegmentStore) throws -> Void
  ) throws {
    if let refusal { return try expect(refusal, "a write", body) }
    let change = StoreModel.Change.write(writes.map(entry))
    begin(change)
    guard durability == .remote else {
      try body(opened)
      model.apply(change)
      if durability == .synced { settle() }
      return
    }
    model.apply(change)
    try confirm("a write", isWrite: !writes.isEmpty, body)
  }

  private func entry(of write: ModelWrite) -> (Int, [UInt8], StoreModel.Entry?) {
    switch write {
    case .delete(let keyspace, let key): return (keyspace, modelKey(key), nil)
    case .put(let keyspace, let key, let value, let life):
      let expiry: UInt64
      switch life {
      case .usual:
        let usual = options.policy(of: keyspace).timeToLiveMilliseconds
        expiry = usual.map { model.now + $0 } ?? 0
      case .lasting(let milliseconds): expiry = model.now + UInt64(milliseconds)
      case .until(let milliseconds): expiry = moment(in: milliseconds)
      }
      let bytes = modelKey(key)
      return (keyspace, bytes, StoreModel.Entry(bytes, value.bytes, expiry: expiry))
    }
  }

  /// Why the store must refuse writes: a batch looks at its values first, a lone write at its keyspace.
  private func refusal(of writes: [ModelWrite], isAlone: Bool) -> StoreError.Code? {
    let isWrong = writes.contains { write in
      guard case .put(let keyspace, _, let value, _) = write,
        let bytes = options.policy(of: keyspace).valueBytes
      else { return false }
      return value.count != bytes
    }
    let isDropped = writes.contains { holders[$0.keyspace]?.isLive == false }
    if isAlone { return isDropped ? .notFound : isWrong ? .invalid : nil }
    return isWrong ? .invalid : isDropped ? .notFound : nil
  }

  func expect(
    _ code: StoreError.Code, _ what: String, _ body: (SegmentStore) throws -> Void
  ) throws {
    do {
      try body(opened)
    } catch let error as StoreError where error.code == code {
      return
    }
    throw Difference("\(what) was taken and not refused as \(code)")
  }

  /// A change is begun, of which a power cut may leave nothing.
  private mutating func begin(_ change: StoreModel.Change) {
    pending.append(change)
    side?.model.begin(change)
  }

  /// All that was done so far is durable.
  mutating func settle() {
    durable = model
    pending = []
  }
}
