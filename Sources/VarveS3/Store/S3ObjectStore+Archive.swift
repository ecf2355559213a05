public import VarveObjects

extension S3ObjectStore {
  /// One request (CopyObject) up to 5 GiB; above it the object is copied in parts inside the bucket.
  public func copy(
    _ name: ObjectName, to newName: ObjectName, class storageClass: StorageClass
  ) throws(ObjectStoreError) {
    let storageClass = try usedClass(storageClass, newName)
    guard let status = try status(of: name) else {
      throw ObjectStoreError(.absent, "there is no such object", object: name.description)
    }
    guard status.size <= Self.mostCopiedAtOnce else {
      _ = try client.underWay { cancellation throws(ObjectStoreError) in
        try S3Upload(self, newName, status.size, storageClass, cancellation)
          .run(if: .always, .object(copySource(name)))
      }
      return
    }
    var call = call(.put, newName)
    call.headers.set("x-amz-copy-source", copySource(name))
    if let storageClass { call.headers.set("x-amz-storage-class", storageClass.description) }
    call.changes = true
    call.mayFailInside = true
    call.isWork = true
    call.isComplete = { XMLGroups($0.body, of: [])?.root == "CopyObjectResult" }
    _ = try client.answer(to: call)
  }

  private static let mostCopiedAtOnce: UInt64 = 5 << 30

  private func copySource(_ name: ObjectName) -> String {
    PercentCoding.encode("/\(options.bucket)/\(key(name))", keepsSlashes: true)
  }

  /// Asks for a copy that can be read, by the usual way (hours). That one is being made already is no
  /// failure.
  public func restore(_ name: ObjectName, days: Int) throws(ObjectStoreError) {
    guard days > 0 else {
      throw ObjectStoreError(.invalid, "for less than a day", object: name.description)
    }
    var call = call(.post, name)
    call.query = [("restore", "")]
    call.send(
      Array(
        ("<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>\(days)</Days>"
          + "<GlacierJobParameters><Tier>Standard</Tier></GlacierJobParameters></RestoreRequest>")
          .utf8))
    call.changes = true
    call.accepts = [403, 409]
    let answer = try client.answer(to: call)
    switch (answer.status, answer.code) {
    case (409, "RestoreAlreadyInProgress"), (200...299, _): return
    case (403, "InvalidObjectState"):
      throw ObjectStoreError(.invalid, "it lies in no archive", object: name.description)
    case (403, _):
      throw ObjectStoreError(.denied, "status 403, \(answer.code)", object: name.description)
    default:
      throw ObjectStoreError(
        .unavailable, "status \(answer.status), \(answer.code)", object: name.description)
    }
  }
}
