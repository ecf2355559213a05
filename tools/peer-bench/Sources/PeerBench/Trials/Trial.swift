import Foundation

/// One engine's run of one workload, done by a process of its own: what it wrote, how much memory it
/// took and what its threads still do is then nobody else's.
struct Trial: Codable {
  enum Stage: String, Codable {
    /// Runs the workload under the clock.
    case measure
    /// Fills the store that workloads start from.
    case prepare
    /// Puts the workload's records and dies.
    case crash
  }

  var stage: Stage
  var workload: String
  var peer: String
  var pass: CompressionPass
  var scale: Double
  /// How many records in the place of the usual number.
  var records: Int?
  /// No more operations than this.
  var mostOperations: Int?
  /// Where real data lies.
  var files: String?
  var directory: String
  /// The control group to run in.
  var group: String?

  func found() throws -> (workload: Workload, peer: any Peer.Type) {
    guard let workload = allWorkloads.first(where: { $0.name == self.workload }),
      let peer = allPeers.first(where: { $0.name == self.peer })
    else { throw PeerFailure(description: "there is no \(workload) of \(peer)") }
    return (workload, peer)
  }

  func dataset(_ workload: Workload) throws -> Dataset {
    try workload.data.dataset(scale: scale, records: records, files: files)
  }
}

extension Trial {
  func settings(_ workload: Workload, _ data: Dataset) -> PeerSettings {
    var settings = PeerSettings()
    settings.isDurable = workload.isDurable && stage == .measure
    settings.compression = pass
    settings.valueBytes = data.valueBytes
    settings.dataBytes = data.byteCount
    settings.fileBytes = workload.fileCount.map { max(1, data.byteCount / $0) }
    if workload.scalesBuffers { settings.writeBufferBytes = bufferBytes }
    if workload.isLimited {
      let budget = Self.limitBytes(data)
      settings.isBeyondMemory = true
      settings.writeBufferBytes = max(1 << 20, budget / 16)
      settings.cacheBytes = budget / 2
    } else {
      settings.cacheBytes = max(settings.cacheBytes, 2 * data.byteCount)
    }
    return settings
  }

  /// What a limited workload may use, page cache included.
  static func limitBytes(_ data: Dataset) -> Int { data.byteCount / 4 }

  private var bufferBytes: Int {
    max(1 << 20, Int(Double(PeerSettings.usualWriteBufferBytes) * min(1, scale)))
  }

  func operationCount(_ workload: Workload, _ data: Dataset) -> Int {
    min(mostOperations ?? .max, usualCount(workload, data))
  }

  /// What the operations take in memory, before the clock starts and beside the engine.
  func operationBytes(_ workload: Workload, _ data: Dataset) -> Int {
    let valueBytes = workload.isWriting ? data.valueBytes : 0
    return operationCount(workload, data)
      * (MemoryLayout<Operation>.stride + Dataset.madeKeyBytes + valueBytes)
  }

  private func usualCount(_ workload: Workload, _ data: Dataset) -> Int {
    switch workload.amount {
    case .records: data.count
    case .scaled(let count, let least): max(least, Int(Double(count) * scale))
    case .exactly(let count): count
    case .buffers(let buffers):
      buffers * bufferBytes / (Dataset.madeKeyBytes + data.valueBytes)
    }
  }
}
