import Varve

/// `varve remote ...`: a store and its bucket.
enum RemoteCommands {
  /// The word they begin with.
  static let prefix = "remote"

  static let all: [CommandSpecification] = [
    RemoteAttachCommand.specification, RemoteStatusCommand.specification,
    RemoteTransfers.upload, RemoteTransfers.evict, RemoteTransfers.prefetch,
    RemoteVerifyCommand.specification, RemoteUpkeep.collect, RemoteUpkeep.checkpoint,
    RemoteVersionsCommand.specification, RemoteAttachCommand.restore, RemoteUpkeep.detach,
  ]

  /// Lends the store, connected to its bucket.
  ///
  /// - Parameter goesOnAlone: also where the bucket takes no claim.
  static func withStore(
    _ arguments: ParsedArguments, goesOnAlone: Bool = false, _ body: (SegmentStore) throws -> Void
  ) throws {
    let path = arguments[.store]
    guard try SegmentStore.bucketLocation(ofStoreAt: path) != nil else {
      throw CommandFailure.noBucket
    }
    // Without any bucket there is nothing to do.
    if goesOnAlone { _ = try StoreSession.bucket(of: path) }
    try StoreSession.writing(path, creates: false, goesOnAlone: goesOnAlone, body)
  }
}

extension CommandFailure {
  static let noBucket = CommandFailure(
    "the store has no bucket yet: 'varve remote attach' gives it one")
}
