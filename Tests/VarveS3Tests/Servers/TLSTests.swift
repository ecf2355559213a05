import Testing
import VarveObjects

@testable import VarveS3

/// The proxy with a certificate that no system trusts.
@Suite(.enabled(if: TestServer.variable("TLS") != nil, "needs tools/s3-servers run"))
struct TLSTests {
  private static func store(_ caFile: String?, _ address: String? = nil) throws -> S3ObjectStore {
    var options = try TestServer.ministack.options("tls")
    options.endpoint = address ?? TestServer.variable("TLS")
    var parts = S3Parts.system()
    parts.transport = CurlTransport(caFile: caFile)
    return try S3ObjectStore(options, parts)
  }

  @Test func aStrangerIsNotTrusted() throws {
    let store = try Self.store(nil)
    do {
      _ = try store.status(of: name("a"))
      Issue.record("trusted")
    } catch { #expect("\(error)".contains("certificate") || "\(error)".contains("SSL")) }
  }

  @Test func whoIsNamedIs() throws {
    let store = try Self.store(TestServer.variable("TLS_CA"))
    _ = try store.put(name("a"), ObjectContent([1, 2]), if: .absent, class: nil)
    #expect(try store.read(name("a"), .suffix(count: 1)).bytes == [2])
  }

  @Test func aCertificateIsForItsHost() throws {
    let address = try #require(TestServer.variable("TLS"))
    let other = address.replacing("127.0.0.1", with: "localhost")
    let store = try Self.store(TestServer.variable("TLS_CA"), other)
    #expect(code { _ = try store.status(of: name("a")) } == .unavailable)
  }
}
