import Varve
import VarveFormat

/// Reads entries and commits them in batches.
struct ImportJob {
  struct Settings {
    /// For entries that name none.
    var keyspace: String?
    /// Of a keyspace that has to be made.
    var policy: KeyspacePolicy
    var batchEntries: Int
    var durability: Durability
    /// For errors.
    var inputName: String
  }

  /// A batch is committed at this size, whatever its count: memory stays bounded.
  static let batchBytes = 4 << 20

  private let store: SegmentStore
  private let settings: Settings
  private var progress: ProgressReporter
  /// Gets a line with the number of committed entries after each commit.
  private let acknowledgements: Output?
  private var batch = WriteBatch()
  private var keyspaces: [KeyspaceName: Keyspace] = [:]
  private var committed: UInt64 = 0

  init(
    _ store: SegmentStore, _ settings: Settings, _ progress: ProgressReporter,
    _ acknowledgements: Output? = nil
  ) {
    self.store = store
    self.settings = settings
    self.progress = progress
    self.acknowledgements = acknowledgements
  }

  /// Reads to the end. On return everything is durable. An error says how far it came.
  mutating func run(_ reader: any RecordReader) throws -> ProgressBar.State {
    do {
      try read(reader)
    } catch {
      progress.clear()
      switch error {
      case let error as InputError: throw stopped("\(settings.inputName): \(error.description)")
      case let error as StoreError: throw stopped(StoreAdvice.text(for: error))
      default: throw error
      }
    }
    progress.finish("imported")
    return progress.state
  }

  private func stopped(_ reason: String) -> CommandFailure {
    let count = Quantity.count(committed, "entry", "entries")
    let verb = committed == 1 ? "is" : "are"
    return CommandFailure("\(reason)\n  \(count) before it \(verb) in the store")
  }

  private mutating func read(_ reader: some RecordReader) throws {
    var reader = reader
    var record = ImportRecord()
    while try reader.next(into: &record) {
      try add(record)
      if batch.count >= settings.batchEntries || batch.byteCount >= Self.batchBytes {
        try commit(reader.offset)
      }
    }
    try commit(reader.offset)
    if settings.durability == .buffered { try store.sync() }
  }

  private mutating func add(_ record: ImportRecord) throws {
    let keyspace = try keyspace(record.keyspace ?? settings.keyspace)
    if record.expiry == 0 {
      batch.put(record.key, record.value, in: keyspace)
    } else {
      batch.put(record.key, record.value, in: keyspace, expiresAt: record.expiry)
    }
  }

  private mutating func keyspace(_ name: String?) throws -> Keyspace {
    let name = name ?? SegmentStore.defaultKeyspaceName
    if let known = keyspaces[KeyspaceName(name)] { return known }
    let keyspace = try store.keyspace(toWrite: name, policy: settings.policy)
    keyspaces[KeyspaceName(name)] = keyspace
    return keyspace
  }

  private mutating func commit(_ offset: UInt64) throws {
    if batch.count > 0 {
      try store.commit(batch, durability: settings.durability)
      committed += UInt64(batch.count)
      batch.removeAll()
      try acknowledge()
    }
    progress.update(entries: committed, bytes: offset)
  }

  /// A reader that goes away ends the import: nobody knows any more what was committed.
  private func acknowledge() throws {
    guard let acknowledgements else { return }
    do {
      try acknowledgements.write(line: "\(committed)")
      try acknowledgements.flush()
    } catch is Output.Closed {
      throw CommandFailure(
        "nobody reads the acknowledgements; "
          + "\(Quantity.count(committed, "entry", "entries")) are in the store")
    }
  }
}
