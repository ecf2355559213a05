import VarveFormat
public import VarveObjects

extension S3ObjectStore {
  /// Reads a range by one request. A bucket that does not know ranges is `.unsupported`.
  public func read(_ name: ObjectName, _ range: ObjectRange) throws(ObjectStoreError) -> ObjectPart
  {
    guard let asked = S3Range(range) else { return try nothing(of: name, range) }
    var call = call(.get, name)
    call.headers.set("range", asked.header)
    call.accepts = [416]
    call.bodyLimit = asked.count
    call.isHedged = asked.count <= HedgePolicy.mostBytes
    if client.profile.hasChecksums { call.headers.set("x-amz-checksum-mode", "ENABLED") }
    call.isComplete = { asked.part(of: $0) != nil }
    let response = try client.answer(to: call).response
    if response.status == 416 { return try behindTheEnd(name, range, response) }
    guard let part = asked.part(of: response) else {
      throw ObjectStoreError(.damaged, "other bytes than asked for", object: name.description)
    }
    return part
  }

  /// No bytes were asked for: only the size is not known yet.
  private func nothing(
    of name: ObjectName, _ range: ObjectRange
  ) throws(ObjectStoreError) -> ObjectPart {
    guard let status = try status(of: name) else {
      throw ObjectStoreError(.absent, "there is no such object", object: name.description)
    }
    return ObjectPart(
      bytes: [], offset: range.resolved(in: status.size).lowerBound, objectSize: status.size,
      serverTime: status.serverTime)
  }

  /// Nothing of the object is in the range; its size comes with that, or is asked for.
  private func behindTheEnd(
    _ name: ObjectName, _ range: ObjectRange, _ response: HTTPResponse
  ) throws(ObjectStoreError) -> ObjectPart {
    let told = response.headers["content-range"].flatMap { text in
      text.hasPrefix("bytes */") ? UInt64(digits: text.dropFirst(8)) : nil
    }
    let part: ObjectPart
    if let told {
      part = ObjectPart(
        bytes: [], offset: told, objectSize: told, serverTime: response.serverTime)
    } else {
      part = try nothing(of: name, .bytes(offset: .max, count: 0))
    }
    guard range.resolved(in: part.objectSize).isEmpty else {
      throw ObjectStoreError(
        .damaged, "the bucket has nothing in \(range) of \(part.objectSize) bytes",
        object: name.description)
    }
    return part
  }

  /// Asks for the object's headers.
  public func status(of name: ObjectName) throws(ObjectStoreError) -> ObjectStatus? {
    var call = call(.head, name)
    call.accepts = [404]
    call.isComplete = { ObjectStatus($0) != nil }
    let response = try client.answer(to: call).response
    return response.status == 404 ? nil : ObjectStatus(response)
  }
}

extension ObjectStatus {
  /// Nil where the headers lack what every object has.
  init?(_ response: HTTPResponse) {
    guard let size = response.headers.number("content-length"),
      let time = response.headers["last-modified"].flatMap(CivilTime.init(header:))
    else { return nil }
    let storageClass = response.headers["x-amz-storage-class"].map(StorageClass.init)
    self.init(
      size: size, modified: time.milliseconds,
      storageClass: storageClass == StorageClass("STANDARD") ? nil : storageClass,
      access: Access(response.headers), serverTime: response.serverTime)
  }
}

extension ObjectStatus.Access {
  /// By `x-amz-restore` and the class ("HeadObject" of the S3 API reference).
  init(_ headers: HTTPHeaders) {
    let restore = headers["x-amz-restore"] ?? ""
    let isArchived =
      ["GLACIER", "DEEP_ARCHIVE"].contains(headers["x-amz-storage-class"] ?? "")
      || headers["x-amz-archive-status"] != nil
    if restore.contains("ongoing-request=\"true\"") {
      self = .restoring
    } else {
      self = isArchived && !restore.contains("ongoing-request=\"false\"") ? .archived : .readable
    }
  }
}
