public import VarveObjects

extension S3ObjectStore {
  /// One request (ListObjectsV2) for a page, more where a server sends empty ones. Keys that are no names
  /// of ours, or no text, are passed over.
  ///
  /// - Throws: `.unsupported` where the bucket lists what was not asked for, or not in order.
  public func list(
    _ prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    var token: String?
    for _ in 0..<Self.mostEmptyPages {
      let (page, time) = try page(prefix, after: place, limit: min(max(limit, 1), 1000), token)
      if !page.keys.isEmpty || !page.isTruncated {
        return try listing(page, time, below: prefix, after: place, limit: limit)
      }
      guard page.token != token else { break }
      token = page.token
    }
    throw ObjectStoreError(.damaged, "the bucket lists empty pages without an end")
  }

  private static let mostEmptyPages = 50
  /// A thousand keys of 1,024 bytes, each of them escaped, and what is said of them.
  private static let mostPageBytes = 8 << 20

  private func page(
    _ prefix: String, after place: String?, limit: Int, _ token: String?
  ) throws(ObjectStoreError) -> (ListingDocument, UInt64?) {
    var call = S3Call(.get, key: nil)
    call.query = [
      ("list-type", "2"), ("prefix", options.prefix + prefix), ("max-keys", String(limit)),
      ("encoding-type", "url"),
    ]
    if let token {
      call.query.append(("continuation-token", token))
    } else if let place {
      call.query.append(("start-after", options.prefix + place))
    }
    call.bodyLimit = Self.mostPageBytes
    call.isComplete = { ListingDocument($0.body) != nil }
    let response = try client.answer(to: call).response
    guard let page = ListingDocument(response.body) else {
      throw ObjectStoreError(.damaged, "the bucket's listing cannot be read")
    }
    return (page, response.serverTime)
  }

  /// What of a page are objects of ours. Names must ascend, each behind `place`: else pages would not
  /// follow each other.
  private func listing(
    _ page: ListingDocument, _ time: UInt64?, below prefix: String, after place: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectListing {
    var entries: [ObjectListing.Entry] = []
    var last = place.map { options.prefix + $0 }
    let keys = page.keys.prefix(max(limit, 1))
    for key in keys {
      guard last.map({ $0.utf8.lexicographicallyPrecedes(key.key.utf8) }) ?? true else {
        throw ObjectStoreError(.unsupported, "the bucket does not list in the order of names")
      }
      last = key.key
      guard let rest = rest(of: key.key), rest.utf8.starts(with: prefix.utf8) else {
        throw ObjectStoreError(.unsupported, "the bucket lists keys that were not asked for")
      }
      guard let name = ObjectName(rest) else { continue }
      entries.append(.init(name: name, size: key.size, modified: key.modified))
    }
    let isLast = !page.isTruncated && keys.count == page.keys.count
    let end = isLast ? nil : last.flatMap(rest(of:))
    return ObjectListing(entries: entries, end: end, serverTime: time)
  }
}

/// A page of keys.
struct ListingDocument {
  struct Key {
    let key: String
    let size: UInt64
    let modified: UInt64
  }

  /// Those that are text.
  let keys: [Key]
  let isTruncated: Bool
  /// Where the next page begins.
  let token: String?

  /// Nil where it is not one, or not whole.
  init?(_ body: [UInt8]) {
    guard let groups = XMLGroups(body, of: ["ListBucketResult", "Contents"]),
      groups.root == "ListBucketResult", let page = groups["ListBucketResult"].first
    else { return nil }
    let isEncoded = page["EncodingType"] == "url"
    var keys: [Key] = []
    for fields in groups["Contents"] {
      guard let text = fields["Key"], let size = fields["Size"].flatMap({ UInt64(digits: $0) }),
        let time = fields["LastModified"].flatMap(CivilTime.init(document:))
      else { return nil }
      guard let key = isEncoded ? PercentCoding.decode(text) : text else { continue }
      keys.append(Key(key: key, size: size, modified: time.milliseconds))
    }
    guard let truncated = page["IsTruncated"] else { return nil }
    isTruncated = truncated == "true"
    token = page["NextContinuationToken"]
    if isTruncated, keys.isEmpty, token == nil { return nil }
    self.keys = keys
  }
}
