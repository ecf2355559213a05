import Glibc
import VarveObjects

@testable import VarveS3

/// A server that `tools/s3-servers` started, which the environment names. Without it the tests that need
/// it say that they were skipped.
enum TestServer: String, CaseIterable, Sendable, CustomStringConvertible {
  case ministack = "MINISTACK"
  case swift = "SWIFT"
  case rclone = "RCLONE"

  var description: String { rawValue.lowercased() }

  static func variable(_ name: String) -> String? {
    Surroundings.process.variable("VARVE_S3_\(name)")
  }

  var isThere: Bool { Self.variable(rawValue) != nil }

  /// The server behind the proxy.
  static var proxied: TestServer { variable("PROXIED") == "swift" ? .swift : .ministack }

  static var hasProxy: Bool { proxied.isThere && variable("PROXY") != nil }

  /// Options for its bucket, below a prefix that nobody else uses.
  func options(_ prefix: String) throws -> S3Options {
    var options = try S3Options(
      bucket: Self.variable("BUCKET") ?? "varve-test",
      prefix: "\(prefix)-\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    options.endpoint = Self.variable(rawValue)
    options.region = "us-east-1"
    options.credentials = .fixed(
      S3Credentials(
        accessKey: Self.variable("\(rawValue)_KEY") ?? "",
        secretKey: Secret(Self.variable("\(rawValue)_SECRET") ?? "")))
    options.profile = self == .swift ? .swift : self == .ministack ? .minio : .unknown
    options.singlePutBytes = 64 << 20
    options.patience.firstDelayMilliseconds = 20
    options.patience.longestDelayMilliseconds = 200
    options.patience.retryMilliseconds = 5_000
    return options
  }

  func store(_ prefix: String, _ change: (inout S3Options) -> Void = { _ in }) throws
    -> S3ObjectStore
  {
    var options = try options(prefix)
    change(&options)
    return try S3ObjectStore(options)
  }
}

func name(_ text: String) -> ObjectName {
  guard let name = ObjectName(text) else { preconditionFailure("no name: \(text)") }
  return name
}

/// The code of the failure of `body`; nil where it succeeds.
func code(_ body: () throws -> Void) -> ObjectStoreError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? ObjectStoreError)?.code
  }
}

/// Bytes that look like nothing and are the same each time.
func pattern(_ count: Int) -> [UInt8] {
  var state: UInt64 = 88_172_645_463_325_252
  var bytes = [UInt8](repeating: 0, count: count)
  for index in bytes.indices {
    if index % 8 == 0 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
    }
    bytes[index] = UInt8(truncatingIfNeeded: state >> (8 * UInt64(index % 8)))
  }
  return bytes
}
