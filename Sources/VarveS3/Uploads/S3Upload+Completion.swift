import VarveObjects

/// The request that makes an object of the parts, and what its answer says.
extension S3Upload {
  /// Makes the parts an object.
  func complete(
    _ parts: [Part], _ id: String, if condition: PutCondition
  ) throws(ObjectStoreError) -> ObjectReceipt {
    let list = parts.enumerated().map { index, part in
      let checksum = hasChecksums ? part.crc32c.map(ByteText.base64) : nil
      return "<Part><PartNumber>\(index + 1)</PartNumber>" + XMLText.element("ETag", part.tag)
        + (checksum.map { XMLText.element("ChecksumCRC32C", $0) } ?? "") + "</Part>"
    }.joined()
    var call = store.call(.post, name)
    call.query = [("uploadId", id)]
    call.send(
      Array(
        ("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
          + "\(list)</CompleteMultipartUpload>").utf8))
    call.changes = true
    call.mayFailInside = true
    call.isWork = true
    call.acceptedCodes = ["NoSuchUpload"]
    // Repeated by libcurl it would say that there is no such upload, and nobody would know why.
    call.isSentOnce = true
    call.isComplete = { XMLGroups($0.body, of: [])?.root == "CompleteMultipartUploadResult" }
    store.demand(condition, of: &call)
    return try outcome(of: try store.client.answer(to: call, cancellation))
  }

  /// The upload is gone where an earlier try was carried out, by us or by someone between who repeated
  /// it: then the object is there, with our mark.
  private func outcome(of answer: S3Answer) throws(ObjectStoreError) -> ObjectReceipt {
    let isGone = answer.code == "NoSuchUpload"
    let isRefused = answer.status == 412
    guard isGone || isRefused && answer.hadUncertainTry else {
      if isRefused { throw S3ObjectStore.exists(name) }
      return ObjectReceipt(serverTime: answer.response.serverTime)
    }
    if try isOurs() { return ObjectReceipt(serverTime: answer.response.serverTime) }
    if isRefused { throw S3ObjectStore.exists(name) }
    throw ObjectStoreError(
      answer.hadUncertainTry ? .uncertain : .unavailable, "the upload is gone",
      object: name.description)
  }

  /// Whether the object is the one that this upload makes.
  ///
  /// - Throws: `.uncertain` where nobody tells, `.cancelled`.
  private func isOurs() throws(ObjectStoreError) -> Bool {
    var call = store.call(.head, name)
    call.accepts = [404]
    let response: HTTPResponse
    do throws(ObjectStoreError) {
      response = try store.client.answer(to: call, cancellation).response
    } catch {
      if error.code == .cancelled { throw error }
      throw ObjectStoreError(.uncertain, error.message, object: name.description)
    }
    return response.status == 200 && response.headers[Self.mark] == nonce
      && response.headers.number("content-length") == size
  }
}
