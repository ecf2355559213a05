package import VarveFormat

/// A bucket manifest and the SHA-256 of its object.
package struct BucketHead: Equatable, Sendable {
  package var manifest: BucketManifest
  package var digest: [UInt8]

  package init(_ manifest: BucketManifest, digest: [UInt8]) {
    self.manifest = manifest
    self.digest = digest
  }
}

/// Reads what a store has in its bucket.
package struct BucketReader: Sendable {
  package let objects: any ObjectStore

  package init(_ objects: any ObjectStore) { self.objects = objects }

  /// Which store it is; nil where there is none. One request.
  package func identity() throws(BucketError) -> BucketIdentity? {
    guard let bytes = try whole(BucketLayout.store, most: 64 << 10) else { return nil }
    return try decoded(bytes, BucketLayout.store) { view throws(FormatError) in
      try BucketIdentity(decoding: view)
    }
  }

  /// The newest manifest; nil where there is none. One listing for each thousand manifests, one read.
  ///
  /// - Parameter number: only one with a higher number is looked for.
  package func head(after number: UInt64 = 0) throws(BucketError) -> BucketHead? {
    // Between listing and reading a new writer may collect: then there is a newer one.
    for _ in 0..<8 {
      guard let number = try manifestNumbers(after: number).last else { return nil }
      if let head = try manifest(number) { return head }
    }
    throw .request(
      ObjectStoreError(.unavailable, "the newest manifest is gone each time it is asked for"))
  }

  /// The numbers of all manifests after one, ascending.
  package func manifestNumbers(after number: UInt64 = 0) throws(BucketError) -> [UInt64] {
    try manifests(after: number).map(\.number)
  }

  /// The same with when each was put, by the bucket's clock.
  package func manifests(
    after number: UInt64 = 0
  ) throws(BucketError) -> [(number: UInt64, modified: UInt64)] {
    try entries(BucketLayout.manifests, after: BucketLayout.manifest(number).description)
      .compactMap { entry in
        BucketLayout.manifestNumber(entry.name).map { ($0, entry.modified) }
      }
  }

  /// Whether a manifest with a higher number is there, and the bucket's time. One small request, where nothing
  /// else lies among them.
  package func isFollowed(
    _ number: UInt64
  ) throws(BucketError) -> (Bool, serverTime: UInt64?) {
    var place = BucketLayout.manifest(number).description
    var time: UInt64?
    for _ in 0..<Self.mostPages {
      let page = try objects.request { [place] objects throws(ObjectStoreError) in
        try objects.list(BucketLayout.manifests, after: place, limit: 16)
      }
      time = page.serverTime ?? time
      let numbers = page.entries.compactMap { BucketLayout.manifestNumber($0.name) }
      if numbers.contains(where: { $0 > number }) { return (true, time) }
      guard let end = page.end else { return (false, time) }
      place = end
    }
    throw Self.endless(BucketLayout.manifests)
  }

  /// Whether there is a manifest. One small request.
  package func holdsManifest(_ number: UInt64) throws(BucketError) -> Bool {
    try objects.request { objects throws(ObjectStoreError) in
      try objects.status(of: BucketLayout.manifest(number))
    } != nil
  }

  /// One manifest; nil where there is none.
  package func manifest(_ number: UInt64) throws(BucketError) -> BucketHead? {
    let name = BucketLayout.manifest(number)
    guard let bytes = try whole(name, most: ObjectFrame.mostBytes) else { return nil }
    return try decoded(bytes, name) { view throws(FormatError) in
      BucketHead(
        try BucketManifest(decoding: view, named: number), digest: SHA256.digest(of: view))
    }
  }

  /// How many logs there are from `floor` on. One listing for each thousand.
  ///
  /// - Throws: `.damaged` where one is missing between others.
  package func logCount(from floor: UInt64) throws(BucketError) -> UInt64 {
    let before = BucketLayout.log(floor - 1).description
    let found = try entries(BucketLayout.logs, after: before).map(\.name)
      .compactMap(BucketLayout.logNumber)
    for (index, number) in found.enumerated() where number != floor + UInt64(index) {
      throw Self.missingLog(floor + UInt64(index))
    }
    return UInt64(found.count)
  }

  /// The numbers of all logs, ascending.
  func logNumbers() throws(BucketError) -> [UInt64] {
    try names(BucketLayout.logs).compactMap(BucketLayout.logNumber)
  }

  /// A log that must be there is not.
  package static func missingLog(_ number: UInt64) -> BucketError {
    .damaged(
      FormatError(.bucketLog, .value("number"), at: 0),
      object: BucketLayout.log(number).description)
  }

  /// One log; nil where there is none.
  package func log(_ number: UInt64) throws(BucketError) -> BucketLog? {
    let name = BucketLayout.log(number)
    guard let bytes = try whole(name, most: ObjectFrame.mostBytes) else { return nil }
    return try decoded(bytes, name) { view throws(FormatError) in
      try BucketLog(decoding: view, named: number)
    }
  }

  /// The last entry that the logs behind a version hold; that of the version where there is none.
  package func lastLogged(behind head: BucketManifest) throws(BucketError) -> SequenceNumber {
    guard head.logFloor > 0 else { return head.version.lastSequence }
    let count = try logCount(from: head.logFloor)
    for number in (head.logFloor..<head.logFloor + count).reversed() {
      if let last = try log(number)?.last { return max(last, head.version.lastSequence) }
    }
    return head.version.lastSequence
  }

  /// All pins that can be read. One that is damaged, or another store's, is an error: it may keep anything.
  package func pins() throws(BucketError) -> [BucketPin] { try namedPins().map(\.pin) }

  /// The same with what they are called, ascending.
  package func namedPins() throws(BucketError) -> [(name: String, pin: BucketPin)] {
    let objects = try names(BucketLayout.pins)
    // One request less where nothing is pinned.
    let store = objects.isEmpty ? nil : try storeID()
    var pins: [(String, BucketPin)] = []
    for object in objects {
      let name = String(object.description.dropFirst(BucketLayout.pins.count))
      if let pin = try pin(name, of: store) { pins.append((name, pin)) }
    }
    return pins
  }

  /// The pin that is called so; nil where there is none.
  package func pin(_ name: String) throws(BucketError) -> BucketPin? {
    try pin(name, of: storeID())
  }

  /// Which store it is, by the newest manifest where nothing else tells; nil where there is neither.
  private func storeID() throws(BucketError) -> FileID? {
    if let identity = try identity() { return identity.storeID }
    return try head()?.manifest.version.storeID
  }

  /// - Parameter store: nil where the bucket does not tell.
  private func pin(_ name: String, of store: FileID?) throws(BucketError) -> BucketPin? {
    guard let object = BucketLayout.pin(name), let bytes = try whole(object, most: 64 << 10) else {
      return nil
    }
    return try decoded(bytes, object) { view throws(FormatError) in
      let pin = try BucketPin(decoding: view)
      guard store == nil || store == pin.storeID else {
        throw FormatError(.bucketObject, .value("store id"), at: 24)
      }
      return pin
    }
  }

  /// Names of all objects below `prefix`, ascending.
  func names(_ prefix: String) throws(BucketError) -> [ObjectName] {
    try entries(prefix).map(\.name)
  }

  /// All objects below `prefix`, ascending.
  package func entries(
    _ prefix: String, after place: String? = nil
  ) throws(BucketError) -> [ObjectListing.Entry] {
    var found: [ObjectListing.Entry] = []
    var place = place
    for _ in 0..<Self.mostPages {
      let page = try objects.request { objects throws(ObjectStoreError) in
        try objects.list(prefix, after: place, limit: 1000)
      }
      found += page.entries
      guard let end = page.end else { return found }
      place = end
    }
    throw Self.endless(prefix)
  }

  /// 16 million objects: a server that makes names up could go on for ever.
  private static let mostPages = 1 << 14

  private static func endless(_ prefix: String) -> BucketError {
    .damaged(FormatError(.bucketObject, .limit("object count"), at: 0), object: prefix)
  }

  /// Makes an object durable that was found, of the same bytes: `ObjectStore.settle`.
  func settle(_ name: ObjectName) throws(BucketError) {
    guard !objects.showsOnlyDurable, let bytes = try whole(name, most: ObjectFrame.mostBytes)
    else { return }
    try objects.request { objects throws(ObjectStoreError) in try objects.settle(name, bytes) }
  }

  /// A whole object of at most `most` bytes; nil where there is none.
  private func whole(_ name: ObjectName, most: Int) throws(BucketError) -> [UInt8]? {
    do throws(ObjectStoreError) {
      let part = try objects.read(name, .bytes(offset: 0, count: most))
      guard part.objectSize == UInt64(part.bytes.count) else {
        throw ObjectStoreError(
          .damaged, "has \(part.objectSize) bytes, of which \(part.bytes.count) were read",
          object: name.description)
      }
      return part.bytes
    } catch {
      if error.code == .absent { return nil }
      throw .request(error)
    }
  }

  private func decoded<Result>(
    _ bytes: [UInt8], _ name: ObjectName, _ body: (ByteView) throws(FormatError) -> Result
  ) throws(BucketError) -> Result {
    do throws(FormatError) { return try bytes.withByteView(body) } catch {
      throw .damaged(error, object: name.description)
    }
  }
}
