/// When a write returns.
public enum Durability: Sendable {
  /// When it is on disk: it survives a power cut. Writers at the same time share one sync.
  case synced
  /// When it is in the store's bucket as well: it survives the loss of the machine, and another one taking over.
  /// Writers at the same time share one request. Without ``BucketOptions/logInterval`` each puts whole files
  /// there, as ``SegmentStore/upload()`` does.
  ///
  /// Where the bucket does not answer the write throws `.unavailable`: it is done and durable here, and will
  /// be in the bucket when that answers again.
  case remote
  /// When the operating system has it: it survives the end of the process, not a power cut.
  case buffered

  var isSynced: Bool { self != .buffered }
}
