public import VarveObjects

/// Where a bucket is, who asks, and how patient the asking is.
///
/// ```swift
/// var options = try S3Options("s3://my-bucket/stores/one")
/// options.endpoint = "https://s3.example.com"   // none for AWS itself
/// let bucket = try S3ObjectStore(options)
/// ```
///
/// What is left nil comes from the environment, as the AWS tools have it: `AWS_ENDPOINT_URL_S3`,
/// `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_CA_BUNDLE`, and the credentials.
public struct S3Options: Sendable {
  /// How the bucket's name is told.
  public enum Addressing: String, Hashable, Sendable {
    /// In the host's name at AWS, in the path elsewhere and where the name has dots.
    case automatic
    /// `https://host/bucket/key`
    case path
    /// `https://bucket.host/key`
    case host
  }

  /// The bucket.
  public var bucket: String
  /// What stands before the names of all objects; empty, or with a slash at its end.
  public private(set) var prefix: String
  /// The server, as `https://host[:port]`; nil for the environment's, and then for AWS.
  public var endpoint: String?
  /// The bucket's region; nil for the environment's, and then for what the bucket says of itself.
  public var region: String?
  /// How the bucket's name is told.
  public var addressing: Addressing
  /// Who asks.
  public var credentials: S3CredentialSource
  /// The class of objects that are put without one; nil for the bucket's usual one.
  public var storageClass: StorageClass?
  /// What the bucket can do; nil for `aws` at AWS and `unknown` elsewhere.
  public var profile: S3Profile?
  /// How long anything may take.
  public var patience: S3Patience
  /// Whether a small read whose answer is late is asked for once more (at most one in twenty, over time).
  public var hedgesReads: Bool
  /// The most that is put by one request: from 100 MB on AWS advises parts. A store's files are smaller, and
  /// each part would be a request more.
  var singlePutBytes: UInt64 = 100 << 20

  /// Options for `s3://bucket` or `s3://bucket/prefix`; behind it may stand `?endpoint=https://host:port`,
  /// `?region=name`, `?addressing=path` (or `host`), or several with `&` between them.
  ///
  /// - Throws: `.invalid` where `address` is anything else.
  public init(_ address: String) throws(ObjectStoreError) {
    guard address.hasPrefix("s3://") else {
      throw ObjectStoreError(.invalid, "not an address of the form s3://bucket/prefix")
    }
    let parts = address.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    try self.init(path: parts[0].dropFirst(5))
    for pair in parts.dropFirst().joined().split(separator: "&") {
      let words = pair.split(separator: "=", maxSplits: 1).map(String.init)
      switch (words.first, words.count) {
      case ("endpoint"?, 2): endpoint = words[1]
      case ("region"?, 2): region = words[1]
      case ("addressing"?, 2): addressing = try Self.addressing(words[1])
      default:
        throw ObjectStoreError(
          .invalid,
          "behind an address may stand endpoint=..., region=... and addressing=..., not '\(words.first ?? "")'"
        )
      }
    }
  }

  private static func addressing(_ name: String) throws(ObjectStoreError) -> Addressing {
    guard let addressing = Addressing(rawValue: name) else {
      throw ObjectStoreError(.invalid, "the addressing is none of automatic, path and host")
    }
    return addressing
  }

  private init(path rest: Substring) throws(ObjectStoreError) {
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    try self.init(bucket: String(rest[..<slash]), prefix: String(rest[slash...].dropFirst()))
  }

  /// Options for a bucket, and a prefix in it.
  ///
  /// - Throws: `.invalid` where either cannot be one. A prefix of parts `.` or `..`, or empty ones, is
  ///   none: not everything it passes would leave it as it is. Nor is one with a `?`, behind which an
  ///   address has its options.
  public init(bucket: String, prefix: String = "") throws(ObjectStoreError) {
    guard Self.isBucket(bucket) else { throw ObjectStoreError(.invalid, "not a bucket's name") }
    var parts = prefix.split(separator: "/", omittingEmptySubsequences: false)
    if parts.last == "" { parts.removeLast() }
    guard parts.allSatisfy(Self.isPart), prefix.utf8.count <= 400 else {
      throw ObjectStoreError(.invalid, "not a prefix of names")
    }
    self.bucket = bucket
    self.prefix = parts.map { "\($0)/" }.joined()
    addressing = .automatic
    credentials = .chain
    patience = S3Patience()
    hedgesReads = true
  }

  private static func isBucket(_ name: String) -> Bool {
    (3...255).contains(name.utf8.count) && name != "..."
      && name.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte)
          || "-._".utf8.contains(byte)
      }
  }

  private static func isPart(_ part: Substring) -> Bool {
    !part.isEmpty && part != "." && part != ".."
      && part.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "?") }
  }
}
