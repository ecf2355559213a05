public import VarveObjects

extension S3ObjectStore {
  /// Writes an object by one request, or in parts. Reads the content once for its digest, where that was
  /// not given, and once to send it.
  public func put(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    class storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    let storageClass = try usedClass(storageClass, name)
    if content.count <= options.singlePutBytes {
      return try putWhole(name, content, if: condition, storageClass)
    }
    return try client.underWay { cancellation throws(ObjectStoreError) in
      try S3Upload(self, name, content.count, storageClass, cancellation)
        .run(if: condition, .content(content))
    }
  }

  private func putWhole(
    _ name: ObjectName, _ content: ObjectContent, if condition: PutCondition,
    _ storageClass: StorageClass?
  ) throws(ObjectStoreError) -> ObjectReceipt {
    var call = call(.put, name)
    try call.send(content, 0..<content.count, checksum: client.profile.hasChecksums)
    call.changes = true
    call.isComplete = { $0.headers["etag"] != nil }
    if let storageClass { call.headers.set("x-amz-storage-class", storageClass.description) }
    demand(condition, of: &call)
    let answer = try client.answer(to: call)
    if answer.status == 412 { throw Self.exists(name) }
    return ObjectReceipt(serverTime: answer.response.serverTime)
  }

  /// Lets a call succeed only where no object is. That there is one is an answer then.
  func demand(_ condition: PutCondition, of call: inout S3Call) {
    guard case .absent = condition else { return }
    let header = client.profile.absenceHeader
    call.headers.set(header.name, header.value)
    call.isSentOnce = true
    call.accepts.insert(412)
  }

  static func exists(_ name: ObjectName) -> ObjectStoreError {
    ObjectStoreError(.exists, "the object is there", object: name.description)
  }
}
