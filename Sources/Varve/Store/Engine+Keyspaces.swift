import VarveFormat
import VarvePlatform

extension Engine {
  /// The keyspace `name`, made with `policy` when it is missing.
  func keyspace(_ name: String, _ policy: KeyspacePolicy) throws(StoreError) -> Keyspace {
    try checkOpen()
    if let known = catalog.keyspace(named: name) { return known }
    try checkWritable()
    try Self.check(name: name)
    try policy.check()
    return try catalog.changing.withLock { _ throws(StoreError) in
      if let known = catalog.keyspace(named: name) { return known }
      guard catalog.count < Limits.keyspaces else {
        throw StoreError(.limit, "a store holds at most \(Limits.keyspaces) keyspaces")
      }
      let number = catalog.nextNumber
      guard SystemKeyspace.numbers.contains(number) else {
        throw StoreError(.limit, "the store has used up all numbers of keyspaces")
      }
      let keyspace = Keyspace(name: name, policy: policy, number: number, engine: self)
      try commitSystemEntries { encoder throws(FormatError) in
        let record = KeyspaceRecord(number: keyspace.number, policy: policy.stored)
        try SystemKeyspace.recordKey(name).withByteView { key throws(FormatError) in
          try record.encoded().withByteView { record throws(FormatError) in
            try encoder.put(key, in: SystemKeyspace.number, record)
          }
        }
      }
      catalog.add(keyspace)
      return keyspace
    }
  }

  /// Removes a keyspace with everything in it: at once for readers, in time from the disk.
  func dropKeyspace(_ name: String) throws(StoreError) {
    try checkWritable()
    try catalog.changing.withLock { _ throws(StoreError) in
      guard let keyspace = catalog.keyspace(named: name) else {
        throw StoreError(.notFound, "there is no such keyspace")
      }
      guard keyspace.number != SystemKeyspace.defaultKeyspace else {
        throw StoreError(.invalid, "the default keyspace cannot be dropped")
      }
      try commitSystemEntries { encoder throws(FormatError) in
        try SystemKeyspace.recordKey(name).withByteView { key throws(FormatError) in
          try encoder.delete(key, in: SystemKeyspace.number)
        }
        try Self.putNextNumber(catalog.nextNumber, into: &encoder)
      }
      catalog.remove(keyspace, droppedAt: visible)
    }
    work.wantCompaction()
    runInlineWork()
  }

  /// Reads the catalog from the entries of the system keyspace, afresh.
  func loadCatalog() throws(StoreError) {
    catalog.removeAll()
    catalog.add(
      Keyspace(
        name: Catalog.defaultName, policy: .default, number: SystemKeyspace.defaultKeyspace,
        engine: self))
    try readCatalog(in: beginReading()) { catalog.add($0) }
  }

  /// The keyspaces of a version that nobody sees yet.
  func keyspaces(of version: Version) throws(StoreError) -> [Keyspace] {
    let view = views.pinned().installing(version)
    let point = ReadPoint(sequence: version.manifest.lastSequence, time: clock.now())
    var found: [Keyspace] = []
    try readCatalog(in: Reading(view: view, point: point)) { found.append($0) }
    return found
  }

  /// Goes over to the keyspaces of another version: who holds one that is still there keeps it.
  func follow(_ found: [Keyspace]) {
    for keyspace in keyspaces(missingFrom: found) { catalog.remove(keyspace, droppedAt: visible) }
    for keyspace in found where catalog.keyspace(named: keyspace.name)?.number != keyspace.number {
      catalog.add(keyspace)
    }
  }

  /// Those that another version does not have. A number that was given again, after going back to an earlier version,
  /// is another keyspace's.
  func keyspaces(missingFrom found: [Keyspace]) -> [Keyspace] {
    let numbered = Dictionary(found.map { ($0.number, $0) }) { first, _ in first }
    return catalog.all.filter { known in
      guard known.number != SystemKeyspace.defaultKeyspace else { return false }
      guard let found = numbered[known.number] else { return true }
      return KeyspaceName(found.name) != KeyspaceName(known.name) || found.policy != known.policy
    }
  }

  private func readCatalog(
    in reading: Reading, _ take: (Keyspace) -> Void
  ) throws(StoreError) {
    var cursor = try reading.visible(within: EngineBounds(SystemKeyspace.number, .all))
    try cursor.seekToFirst()
    // The default one has no record.
    var count = 1
    while let entry = cursor.entry {
      if let keyspace = try keyspace(of: entry) {
        count += 1
        guard count <= Limits.keyspaces else {
          throw StoreError(FormatError(.catalog, .limit("keyspace count"), at: 0), in: path)
        }
        take(keyspace)
      }
      try cursor.next()
    }
  }

  private func keyspace(of entry: EntryView) throws(StoreError) -> Keyspace? {
    let key = entry.key.dropping(Limits.keyspacePrefixBytes)
    do throws(FormatError) {
      switch try SystemEntry(key: key, value: entry.value) {
      case .nextNumber(let number):
        catalog.raiseNextNumber(to: number)
        return nil
      case .keyspace(let name, let record):
        return Keyspace(
          name: name, policy: KeyspacePolicy(record.policy), number: record.number, engine: self)
      }
    } catch {
      throw StoreError(error, in: path)
    }
  }

  private func commitSystemEntries(
    _ encode: (inout BatchEncoder) throws(FormatError) -> Void
  ) throws(StoreError) {
    var encoder = BatchEncoder()
    do throws(FormatError) { try encode(&encoder) } catch {
      throw StoreError(.limit, "\(error.fault)", structure: "keyspace record")
    }
    try submit(CommitRequest(encoder, isSynced: true))
  }

  private static func putNextNumber(
    _ number: UInt32, into encoder: inout BatchEncoder
  ) throws(FormatError) {
    try SystemKeyspace.nextNumberKey.withByteView { key throws(FormatError) in
      try SystemKeyspace.encodeNextNumber(number).withByteView { value throws(FormatError) in
        try encoder.put(key, in: SystemKeyspace.number, value)
      }
    }
  }

  private static func check(name: String) throws(StoreError) {
    guard SystemKeyspace.isValid(name: name) else {
      throw StoreError(
        .limit, "a keyspace's name has 1 to \(Limits.keyspaceNameBytes) bytes of UTF-8")
    }
  }
}
