import Testing
import VarveFormat
import VarveObjects

@testable import VarveS3

/// What is put by one request.
@Suite struct WritingTests {
  private static let bytes = (0..<100).map { UInt8($0) }

  private static func content(sha256: [UInt8]?) -> ObjectContent {
    ObjectContent(count: 100, sha256: sha256) { range throws(ObjectStoreError) in
      Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
  }

  /// A manifest names the digest that was taken before: what reads otherwise now is not put under that name.
  @Test func contentThatReadsOtherwiseNowIsNotSent() throws {
    let digest = Self.bytes.withByteView(SHA256.digest(of:))
    for known in [digest, nil] {
      var call = S3Call(.put, key: "k")
      try call.send(Self.content(sha256: known), 0..<100, checksum: true)
      #expect(call.digest == digest && call.headers["x-amz-checksum-crc32c"] != nil)
    }
    var call = S3Call(.put, key: "k")
    let another = [UInt8](repeating: 1, count: SHA256.digestCount)
    do throws(ObjectStoreError) {
      try call.send(Self.content(sha256: another), 0..<100, checksum: true)
      Issue.record("it would have been sent")
    } catch {
      #expect(error.code == .damaged)
    }
  }

  /// Where its digest is known it is read once, when it is sent.
  @Test func contentThatReadsOtherwiseWhenItIsSentIsNoObject() throws {
    let digest = Self.bytes.withByteView(SHA256.digest(of:))
    let checksum = Self.bytes.withByteView(CRC32C.checksum(of:))
    for (known, expected) in [(checksum, nil), (checksum ^ 1, .damaged)]
      as [(UInt32, ObjectStoreError.Code?)]
    {
      let transport = FakeTransport([.success(.with(200, [("etag", "\"t\"")]))])
      let store = try S3ObjectStore.fake(transport) { $0.profile = .minio }
      let content = ObjectContent(count: 100, sha256: digest, crc32c: known) {
        range throws(ObjectStoreError) in
        Array(Self.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
      }
      #expect(
        code { _ = try store.put(name("a"), content, if: .always, class: nil) } == expected)
    }
  }
}
