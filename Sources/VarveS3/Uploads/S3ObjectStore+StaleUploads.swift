public import VarveObjects

extension S3ObjectStore {
  /// Gives up uploads below our prefix that were begun long ago and never finished: their parts are stored,
  /// and paid for, until then. Ages are by the server's clock.
  ///
  /// - Parameter age: in milliseconds; no upload takes a day.
  /// - Returns: how many there were.
  public func removeUnfinished(
    olderThan age: UInt64
  ) throws(ObjectStoreError) -> Int {
    var stale: [(key: String, id: String)] = []
    var markers: (key: String, id: String)?
    for _ in 0..<Self.mostUploadPages {
      let (page, time) = try uploads(after: markers)
      let now = time ?? client.serverMilliseconds
      for upload in page.uploads where upload.begun &+ age <= now {
        stale.append((upload.key, upload.id))
      }
      markers = page.next
      if markers == nil { break }
    }
    for upload in stale { try abort(key: upload.key, id: upload.id) }
    return stale.count
  }

  private static let mostUploadPages = 1000

  /// Gives up an upload; that there is none is no failure.
  func abort(key: String, id: String) throws(ObjectStoreError) {
    let object = key.hasPrefix(options.prefix) ? String(key.dropFirst(options.prefix.count)) : nil
    var call = S3Call(.delete, key: key, object: object)
    call.query = [("uploadId", id)]
    call.acceptedCodes = ["NoSuchUpload", "NoSuchKey"]
    _ = try client.answer(to: call)
  }

  private func uploads(
    after markers: (key: String, id: String)?
  ) throws(ObjectStoreError) -> (UploadsDocument, UInt64?) {
    var call = S3Call(.get, key: nil)
    call.query = [("uploads", ""), ("prefix", options.prefix), ("encoding-type", "url")]
    if let markers {
      call.query += [("key-marker", markers.key), ("upload-id-marker", markers.id)]
    }
    call.bodyLimit = 8 << 20
    call.isComplete = { UploadsDocument($0.body) != nil }
    let response = try client.answer(to: call).response
    guard let page = UploadsDocument(response.body) else {
      throw ObjectStoreError(.damaged, "the bucket's list of uploads cannot be read")
    }
    return (page, response.serverTime)
  }
}

/// A page of unfinished uploads (ListMultipartUploads).
struct UploadsDocument {
  struct Upload {
    let key: String
    let id: String
    let begun: UInt64
  }

  let uploads: [Upload]
  /// Where the next page begins; nil where this is the last.
  let next: (key: String, id: String)?

  /// Nil where it is not one, or not whole.
  init?(_ body: [UInt8]) {
    let root = "ListMultipartUploadsResult"
    guard let groups = XMLGroups(body, of: [root, "Upload"]), groups.root == root,
      let page = groups[root].first
    else { return nil }
    let isEncoded = page["EncodingType"] == "url"
    let decoded = { (text: String) in isEncoded ? PercentCoding.decode(text) : text }
    var uploads: [Upload] = []
    for fields in groups["Upload"] {
      guard let key = fields["Key"].flatMap(decoded), let id = fields["UploadId"],
        let begun = fields["Initiated"].flatMap(CivilTime.init(document:))
      else { return nil }
      uploads.append(Upload(key: key, id: id, begun: begun.milliseconds))
    }
    self.uploads = uploads
    guard page["IsTruncated"] == "true" else {
      next = nil
      return
    }
    guard let key = page["NextKeyMarker"].flatMap(decoded), let id = page["NextUploadIdMarker"]
    else { return nil }
    next = (key, id)
  }
}
