import VarveObjects

/// Where the requests for one bucket go.
struct S3Endpoint: Sendable {
  /// The server of bucket and region; without its name where that stands in the path.
  private let origin: HTTPOrigin?
  private let bucket: String
  private let isInHost: Bool

  /// A bucket of a server, or of AWS where `server` is nil.
  init(
    server: String?, bucket: String, addressing: S3Options.Addressing
  ) throws(ObjectStoreError) {
    self.bucket = bucket
    origin = try server.map { text throws(ObjectStoreError) in
      guard let origin = HTTPOrigin(text) else {
        throw ObjectStoreError(.invalid, "the endpoint is not of the form https://host:port")
      }
      return origin
    }
    switch addressing {
    case .path: isInHost = false
    case .host: isInHost = true
    // A name with dots is not covered by AWS's certificate, and capitals are no host's name.
    case .automatic:
      isInHost = server == nil && !bucket.contains(".") && bucket == bucket.lowercased()
    }
  }

  var isAWS: Bool { origin == nil }
  /// The server's address; nil for AWS.
  var server: String? { origin?.address }

  /// A request for an object, or for the bucket where `key` is nil.
  ///
  /// - Parameter place: the host that the bucket said it is at, for a while.
  func request(
    _ method: HTTPRequest.Method, key: String?, region: String, at place: HTTPOrigin?
  ) -> HTTPRequest {
    var server = origin ?? HTTPOrigin(isSecure: true, host: RegionName.host(of: "s3", in: region))
    if isInHost { server = server.named(bucket) }
    let path = (isInHost ? "/" : "/\(bucket)/") + (key ?? "")
    let encoded = PercentCoding.encode(path, keepsSlashes: true)
    // Of a bucket in the path there is no slash behind it.
    let isBucketPath = key == nil && !isInHost
    return HTTPRequest(
      method, place ?? server, path: isBucketPath ? String(encoded.dropLast()) : encoded)
  }

  /// Where a redirection leads, if it is one that may be followed: from AWS to AWS, by TLS, to a host of
  /// this very bucket. Others could be after signatures.
  func place(redirectedTo location: String?) -> HTTPOrigin? {
    guard isAWS, isInHost, let origin = location.flatMap(HTTPAddress.init)?.origin,
      origin.isSecure, origin.port == nil,
      origin.host.hasPrefix("\(bucket).s3"),
      [".amazonaws.com", ".amazonaws.com.cn"].contains(where: origin.host.hasSuffix)
    else { return nil }
    return origin
  }
}
