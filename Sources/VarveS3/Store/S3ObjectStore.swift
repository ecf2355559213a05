public import VarveObjects

/// A bucket of Amazon S3, or of a server that speaks its protocol.
///
/// ```swift
/// let bucket = try S3ObjectStore(S3Options("s3://my-bucket/stores/one"))
/// ```
///
/// ```
///   put     up to 64 MiB one request; above it parts of 16 MiB and more, several at once, that become
///           an object when all are there
///   read    one request for a range
///   list    one request for a page        remove  one request for up to a thousand
/// ```
///
/// Requests are signed with the digest of what they send, which the server compares. What fails in passing
/// is tried again for three minutes, at random and growing intervals; a request that stands still for ten
/// seconds is given up. TLS is verified, no error has a secret in it, and a redirection is followed only
/// to where AWS says that this bucket is.
/// Needs libcurl 7.68 or newer, which is found when it is first used.
public final class S3ObjectStore: ObjectStore {
  let client: S3Client
  let options: S3Options

  /// A bucket. Sends nothing yet.
  ///
  /// - Throws: `.invalid` where an option cannot be meant.
  public convenience init(_ options: S3Options) throws(ObjectStoreError) {
    try self.init(options, .system())
  }

  init(_ options: S3Options, _ parts: S3Parts) throws(ObjectStoreError) {
    self.options = options
    client = try S3Client(options, parts)
  }

  /// `s3://bucket/prefix`, with what else names the place, be it of the options or of the environment: the
  /// endpoint where it is not AWS, the region where one is named, the addressing where it is not automatic.
  /// ``S3Options`` made from it name the same objects in any environment; only that it is AWS has no words,
  /// where the environment has another endpoint. Nothing of the other options is in it, and no secret.
  public var location: String {
    let addressing = options.addressing == .automatic ? nil : options.addressing.rawValue
    let more = [
      ("endpoint", client.endpoint.server), ("region", client.region), ("addressing", addressing),
    ]
    .compactMap { name, value in value.map { "\(name)=\($0)" } }
    return "s3://\(options.bucket)/\(options.prefix)"
      + (more.isEmpty ? "" : "?" + more.joined(separator: "&"))
  }

  /// What the bucket's profile says.
  public var createsAtomically: Bool { client.profile.createsAtomically }
  /// True: what can be read was stored.
  public var showsOnlyDurable: Bool { true }

  /// Ends all requests within a moment.
  public func close() { client.close() }

  /// The whole key of an object.
  func key(_ name: ObjectName) -> String { options.prefix + name.description }

  /// What of a key stands behind our prefix; nil for a key of others. By bytes: a character may reach over
  /// the end of a prefix.
  func rest(of key: String) -> String? {
    guard key.utf8.starts(with: options.prefix.utf8) else { return nil }
    return String(Substring(key.utf8.dropFirst(options.prefix.utf8.count)))
  }

  func call(_ method: HTTPRequest.Method, _ name: ObjectName) -> S3Call {
    S3Call(method, key: key(name), object: name.description)
  }

  /// A class that may be asked for: the call's, or the one of the options.
  func usedClass(_ asked: StorageClass?, _ name: ObjectName) throws(ObjectStoreError)
    -> StorageClass?
  {
    if asked != nil, !client.profile.hasStorageClasses {
      throw ObjectStoreError(
        .unsupported, "the bucket has no storage classes", object: name.description)
    }
    return client.profile.hasStorageClasses ? asked ?? options.storageClass : nil
  }
}
