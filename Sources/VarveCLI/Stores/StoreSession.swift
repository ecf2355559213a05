import Varve

/// Opens stores as commands want them, and closes them whatever happens.
enum StoreSession {
  /// Lends a store that is only read: nothing in it changes. Fails while a writer has it open.
  static func reading<Result>(
    _ path: String, memory: Int? = nil, _ body: (SegmentStore) throws -> Result
  ) throws -> Result {
    var options = StoreOptions()
    options.access = .readOnly
    options.createIfMissing = false
    if let memory { options.memoryBudget = memory }
    return try using(path, options, body)
  }

  /// Lends a store for writing.
  ///
  /// - Parameter creates: makes a missing store; otherwise a mistyped path is an error and not a
  ///   new store.
  /// - Parameter memory: the store's memory budget in bytes; nil for the default.
  /// - Parameter goesOnAlone: also where its bucket does not answer.
  static func writing<Result>(
    _ path: String, creates: Bool, memory: Int? = nil, goesOnAlone: Bool = false,
    _ body: (SegmentStore) throws -> Result
  ) throws -> Result {
    var options = StoreOptions()
    options.createIfMissing = creates
    if let memory { options.memoryBudget = memory }
    return try using(path, options, goesOnAlone: goesOnAlone, body)
  }

  /// Lends a store that is opened with `options`, connected to its bucket where it has one.
  static func using<Result>(
    _ path: String, _ options: StoreOptions, goesOnAlone: Bool = false,
    _ body: (SegmentStore) throws -> Result
  ) throws -> Result {
    var options = options
    // Where only cold files cannot be read without, whoever reads one is told.
    var whyAway: CommandFailure?
    if options.bucket == nil {
      do {
        options.bucket = try bucket(of: path).map { BucketOptions($0) }
        options.bucket?.uploadInterval = nil
        options.bucket?.opensWithoutBucket = goesOnAlone
      } catch let error as CommandFailure where options.access == .readOnly || goesOnAlone {
        whyAway = error
      }
    }
    let store = try SegmentStore.open(at: path, options: options)
    let outcome: Swift.Result<Result, any Error> = Swift.Result { try body(store) }
      .mapError { explain($0, whyAway) }
    do {
      try store.close()
    } catch {
      // What went wrong first is what the person wants to know.
      _ = try outcome.get()
      throw error
    }
    return try outcome.get()
  }
}

extension StoreSession {
  /// A file that lies in a bucket which could not be opened: why it could not.
  private static func explain(_ error: any Error, _ whyAway: CommandFailure?) -> any Error {
    guard let whyAway, let error = error as? StoreError, error.code == .unavailable,
      let file = error.file
    else { return error }
    return CommandFailure("\(file) lies in the bucket: \(whyAway.message)")
  }

  /// The bucket of the store in the directory `path`; nil where it has none. What cannot be read is for
  /// opening the store to explain.
  static func bucket(of path: String) throws -> (any ObjectStore)? {
    guard let location = try? SegmentStore.bucketLocation(ofStoreAt: path) else { return nil }
    return try BucketLocation(location).objectStore()
  }
}

extension SegmentStore {
  /// The keyspace that exists without having been made.
  static let defaultKeyspaceName = "default"

  /// A keyspace to read from: one that exists.
  func keyspace(toRead name: String?) throws -> Keyspace {
    let name = name ?? Self.defaultKeyspaceName
    guard let keyspace = try existingKeyspace(name) else {
      throw CommandFailure("there is no keyspace '\(EscapedText.text(Array(name.utf8)))'")
    }
    return keyspace
  }

  /// A keyspace to write to: made when it is missing.
  func keyspace(
    toWrite name: String?, policy: KeyspacePolicy = .default
  ) throws -> Keyspace {
    try keyspace(name ?? Self.defaultKeyspaceName, policy)
  }
}
