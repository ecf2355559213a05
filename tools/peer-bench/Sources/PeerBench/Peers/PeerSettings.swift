/// What every engine is told alike.
struct PeerSettings {
  /// Whether a put returns when it is on disk; else when it survives the end of the process.
  var isDurable = false
  var compression = CompressionPass.none
  /// Bytes of recent writes in memory before they become a file, where an engine has such.
  var writeBufferBytes = Self.usualWriteBufferBytes
  /// How many such buffers may exist, the one being filled included: as many as Varve derives from its
  /// memory budget.
  var writeBuffers = 7
  /// Bytes of blocks kept in memory, where an engine does not leave that to the system.
  var cacheBytes = 1 << 30
  /// Whether the store is larger than the memory.
  var isBeyondMemory = false
  /// Bytes of the workload's records.
  var dataBytes = 0
  /// Bytes at which the next file is begun; each engine's own default where nil.
  var fileBytes: Int?
  /// How large a value usually is.
  var valueBytes = 100

  static let usualWriteBufferBytes = 64 << 20
}

/// Every line is run twice.
enum CompressionPass: String, Codable, CaseIterable {
  /// No engine compresses: the goals are for this.
  case none
  /// Each engine as it comes.
  case byDefault = "default"
}
