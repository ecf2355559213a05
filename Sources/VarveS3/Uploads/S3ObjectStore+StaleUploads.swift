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
    var stale: [UploadsDocument.Upload] = []
    var passed: [UploadsDocument.Place] = []
    repeat {
      let (page, time) = try uploads(after: passed.last)
      let now = time ?? client.serverMilliseconds
      stale += page.uploads.filter { upload in
        rest(of: upload.key) != nil && upload.begun <= now && now - upload.begun >= age
      }
      guard let next = page.next else { break }
      guard next.isBehind(passed) else {
        throw ObjectStoreError(.damaged, "the bucket's list of uploads does not go on")
      }
      passed.append(next)
    } while passed.count < Self.mostUploadPages
    for upload in stale { try abort(key: upload.key, id: upload.id) }
    return stale.count
  }

  /// A thousand uploads each; those behind them have their turn the next time.
  private static let mostUploadPages = 1000

  /// Gives up an upload; that there is none is no failure.
  ///
  /// - Parameter milliseconds: how long it is tried again, where that is shorter than usual.
  func abort(
    key: String, id: String, within milliseconds: UInt64 = .max
  ) throws(ObjectStoreError) {
    var call = S3Call(.delete, key: key, object: rest(of: key))
    call.query = [("uploadId", id)]
    call.mostRetryMilliseconds = milliseconds
    call.acceptedCodes = ["NoSuchUpload", "NoSuchKey"]
    _ = try client.answer(to: call)
  }

  private func uploads(
    after place: UploadsDocument.Place?
  ) throws(ObjectStoreError) -> (UploadsDocument, UInt64?) {
    var call = S3Call(.get, key: nil)
    call.query = [("uploads", ""), ("prefix", options.prefix), ("encoding-type", "url")]
    if let place {
      call.query += [("key-marker", place.key), ("upload-id-marker", place.id)]
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

  /// Where a page begins: behind an upload.
  struct Place: Equatable {
    let key: String
    let id: String

    /// Whether a page here shows others than those that began at `passed`. Of one key several uploads may
    /// be listed, in any order of their names.
    func isBehind(_ passed: [Place]) -> Bool {
      guard let last = passed.last else { return true }
      return last.key.utf8.lexicographicallyPrecedes(key.utf8)
        || last.key.utf8.elementsEqual(key.utf8) && !passed.contains(self)
    }
  }

  /// Those whose keys are text.
  let uploads: [Upload]
  /// Where the next page begins; nil where this is the last.
  let next: Place?

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
      guard let text = fields["Key"], let id = fields["UploadId"],
        let begun = fields["Initiated"].flatMap(CivilTime.init(document:))
      else { return nil }
      guard let key = decoded(text) else { continue }
      uploads.append(Upload(key: key, id: id, begun: begun.milliseconds))
    }
    self.uploads = uploads
    guard page["IsTruncated"] == "true" else {
      next = nil
      return
    }
    guard let key = page["NextKeyMarker"].flatMap(decoded), let id = page["NextUploadIdMarker"]
    else { return nil }
    next = Place(key: key, id: id)
  }
}
