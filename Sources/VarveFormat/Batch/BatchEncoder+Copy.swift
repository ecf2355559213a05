extension BatchEncoder {
  /// Adds an entry of another batch as it is.
  package mutating func copy(_ entry: BatchEntry) throws(FormatError) {
    switch entry.kind {
    case .put:
      try put(entry.userKey, in: entry.keyspace, entry.value, expiry: entry.expiry)
    case .pointer:
      let pointer = try ValuePointer(decoding: entry.value)
      try put(entry.userKey, in: entry.keyspace, at: pointer, expiry: entry.expiry)
    case .delete, .rangeDelete:
      try delete(entry.userKey, in: entry.keyspace)
    }
  }
}
