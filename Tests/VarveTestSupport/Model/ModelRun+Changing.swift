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
    case .commitReused(let forgotten, let writes, let durability):
      try commit(writes, after: forgotten, durability)
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
    let lends = lends
    try perform([write], durability, refusedAs: refusal(of: [write], isAlone: true)) { _ in
      let (keyspace, key) = (holder.keyspace, modelKey(key))
      if lends {
        let bytes = value.bytes
        try keyspace.put(
          bytes: key.span, bytes.span, durability: durability, expiresIn: milliseconds)
      } else if value.isVector {
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
    let lends = lends
    try perform([write], durability, refusedAs: refusal(of: [write], isAlone: true)) { _ in
      let key = modelKey(key)
      if lends {
        try holder.keyspace.delete(bytes: key.span, durability: durability)
      } else {
        try holder.keyspace.delete(key, durability: durability)
      }
    }
  }

  private mutating func commit(
    _ all: [ModelWrite], after forgotten: [ModelWrite] = [], _ durability: Durability
  ) throws {
    let writes = all.filter { holders[$0.keyspace] != nil }
    var batch = WriteBatch()
    if !forgotten.isEmpty {
      for write in forgotten { add(write, to: &batch) }
      batch.removeAll()
      guard batch.count == 0, batch.byteCount == WriteBatch().byteCount else {
        throw Difference("a batch keeps \(batch.count) writes that it was to forget")
      }
    }
    for write in writes { add(write, to: &batch) }
    guard batch.count == writes.count else {
      throw Difference("a batch of \(writes.count) writes has \(batch.count)")
    }
    try perform(writes, durability, refusedAs: refusal(of: writes, isAlone: false)) { store in
      try store.commit(batch, durability: durability)
    }
  }

  private func add(_ write: ModelWrite, to batch: inout WriteBatch) {
    guard let keyspace = holders[write.keyspace]?.keyspace else { return }
    if lends { return lend(write, to: &batch, keyspace) }
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

  private func lend(_ write: ModelWrite, to batch: inout WriteBatch, _ keyspace: Keyspace) {
    switch write {
    case .delete(_, let key):
      let key = modelKey(key)
      batch.delete(bytes: key.span, in: keyspace)
    case .put(_, let key, let value, let life):
      let (key, bytes) = (modelKey(key), value.bytes)
      switch life {
      case .usual: batch.put(bytes: key.span, bytes.span, in: keyspace)
      case .lasting(let milliseconds):
        batch.put(bytes: key.span, bytes.span, in: keyspace, expiresIn: UInt64(milliseconds))
      case .until(let milliseconds):
        batch.put(bytes: key.span, bytes.span, in: keyspace, expiresAt: moment(in: milliseconds))
      }
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
    if case .write(let writes) = change {
      for (keyspace, key, entry) in writes {
        written[keyspace].insert(key)
        let bytes = key.count + (entry?.shown.value.count ?? 0)
        largestEntryBytes = max(largestEntryBytes, bytes)
      }
    }
    side?.model.begin(change)
  }

  /// All that was done so far is durable.
  mutating func settle() {
    durable = model
    pending = []
  }
}
