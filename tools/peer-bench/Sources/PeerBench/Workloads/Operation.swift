/// One step of a run, laid out before the clock starts.
struct Operation {
  enum Kind: UInt8 {
    case put, delete, get
    /// Reads so many entries from a key on.
    case scan
    /// Reads the entries that begin with the key.
    case scanPrefix
    /// Reads a value and replaces it.
    case rewrite
  }

  var kind: Kind
  /// For ``Kind/scan``.
  var limit: Int32 = 0
  var key: Bytes
  var value = Bytes(start: nil, count: 0)
}

extension PeerSession {
  @inline(__always)
  func perform(_ operation: Operation, into tally: inout Tally) throws {
    switch operation.kind {
    case .put: try put(operation.key, operation.value)
    case .delete: try delete(operation.key)
    case .get: try get(operation.key, into: &tally)
    case .scan:
      try scan(Scan(start: operation.key, limit: Int(operation.limit)), into: &tally)
    case .scanPrefix:
      try scan(Scan(start: operation.key, isPrefix: true), into: &tally)
    case .rewrite:
      try get(operation.key, into: &tally)
      try put(operation.key, operation.value)
    }
  }
}
