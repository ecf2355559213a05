public import VarveObjects

extension S3ObjectStore {
  /// One request (DeleteObjects) for each thousand names; one for each name where the bucket does not know
  /// that.
  public func remove(_ names: [ObjectName]) throws(ObjectStoreError) {
    for start in stride(from: 0, to: names.count, by: Self.mostAtOnce) {
      let page = Array(names[start..<min(start + Self.mostAtOnce, names.count)])
      if page.count == 1 || !client.profile.removesMany {
        for name in page { try removeOne(name) }
      } else {
        try removeMany(page)
      }
    }
  }

  private static let mostAtOnce = 1000
  private static let mostTries = 5

  private func removeOne(_ name: ObjectName) throws(ObjectStoreError) {
    var call = call(.delete, name)
    call.changes = true
    call.acceptedCodes = ["NoSuchKey", "NoSuchVersion"]
    _ = try client.answer(to: call)
  }

  /// Removes names together, and again those for which there was no room at the moment.
  private func removeMany(_ names: [ObjectName]) throws(ObjectStoreError) {
    var left = names
    var backoff = Backoff(options.patience, client.parts.random)
    for round in 0..<Self.mostTries {
      if round > 0 { try client.pause(backoff.next()) }
      guard let answer = try removal(of: left) else {
        for name in left { try removeOne(name) }
        return
      }
      let failures = answer["Error"].filter { $0["Code"] != "NoSuchKey" }
      let passing = failures.filter { Self.passing.contains($0["Code"] ?? "") }
      if let lasting = failures.first(where: { !Self.passing.contains($0["Code"] ?? "") }) {
        throw error(lasting)
      }
      let keys = Set(passing.compactMap { $0["Key"] })
      left = left.filter { keys.contains(key($0)) }
      if left.isEmpty, failures.isEmpty { return }
      // It names what was not asked for: then nothing is known.
      if left.isEmpty { left = names }
    }
    try client.pause(backoff.next())
    for name in left { try removeOne(name) }
  }

  private static let passing: Set = [
    "InternalError", "SlowDown", "ServiceUnavailable", "OperationAborted", "RequestTimeout",
  ]

  /// What DeleteObjects answers; nil where the bucket does not know it.
  private func removal(of names: [ObjectName]) throws(ObjectStoreError) -> XMLGroups? {
    let objects = names.map { "<Object>\(XMLText.element("Key", key($0)))</Object>" }.joined()
    let body = Array(
      ("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
        + "\(objects)</Delete>").utf8)
    var call = S3Call(.post, key: nil, object: names.first?.description)
    call.query = [("delete", "")]
    call.send(body)
    call.headers.set("content-md5", ByteText.base64(MD5.digest(of: body)))
    call.changes = true
    call.accepts = [405, 501]
    call.mayFailInside = true
    // Some servers remove them one after the other, and answer then.
    call.isWork = true
    call.bodyLimit = 4 << 20
    call.isComplete = { XMLGroups($0.body, of: [])?.root == "DeleteResult" }
    let answer = try client.answer(to: call)
    guard answer.status == 200 else { return nil }
    return XMLGroups(answer.response.body, of: ["Error"])
  }

  /// The failure of one name.
  private func error(_ fields: [String: String]) -> ObjectStoreError {
    let key = fields["Key"] ?? ""
    let code = fields["Code"] ?? ""
    let name = rest(of: key).flatMap(ObjectName.init)
    return ObjectStoreError(
      code == "AccessDenied" ? .denied : .invalid,
      "the bucket does not remove it: \(String(code.filter(\.isLetter).prefix(64)))",
      object: name?.description)
  }
}
