import Varve

/// `varve remote ...`: a store and its bucket.
enum RemoteCommands {
  /// The word they begin with.
  static let prefix = "remote"

  static let all: [CommandSpecification] = [
    RemoteAttachCommand.specification, RemoteStatusCommand.specification,
    RemoteTransfers.upload, RemoteTransfers.evict, RemoteTransfers.prefetch,
    RemoteVerifyCommand.specification, RemoteUpkeep.collect, RemoteUpkeep.checkpoint,
    RemoteAttachCommand.restore,
  ]

  /// Lends the store, connected to its bucket.
  static func withStore(
    _ arguments: ParsedArguments, _ body: (SegmentStore) throws -> Void
  ) throws {
    let path = arguments[.store]
    guard try SegmentStore.bucketLocation(ofStoreAt: path) != nil else {
      throw CommandFailure("the store has no bucket yet: 'varve remote attach' gives it one")
    }
    try StoreSession.writing(path, creates: false, body)
  }
}
