import Testing
import VarveObjects

@testable import VarveS3

@Suite struct ReadingTests {
  private func read(_ range: ObjectRange, _ answers: [HTTPResponse]) throws
    -> (part: ObjectPart?, code: ObjectStoreError.Code?, requests: [HTTPRequest])
  {
    let transport = FakeTransport(answers.map { .success($0) })
    let store = try S3ObjectStore.fake(transport)
    var part: ObjectPart?
    let code = code { part = try store.read(name("a"), range) }
    return (part, code, transport.requests)
  }

  private static func head(_ body: String, _ headers: [(String, String)] = []) -> HTTPResponse {
    .with(200, headers + [("last-modified", "Fri, 24 May 2013 00:00:00 GMT")], body)
  }

  private static func part(_ range: String, _ body: String) -> HTTPResponse {
    .with(206, [("content-range", range)], body)
  }

  @Test func rangesAreAskedForAndChecked() throws {
    let good = try read(.bytes(offset: 3, count: 4), [Self.part("bytes 3-6/100", "abcd")])
    #expect(good.requests.map { $0.headers["range"] } == ["bytes=3-6"])
    #expect(good.part?.bytes == Array("abcd".utf8) && good.part?.offset == 3)
    #expect(good.part?.objectSize == 100 && good.part?.serverTime == 1_369_353_600_000)
    let suffix = try read(.suffix(count: 4), [Self.part("bytes 96-99/100", "abcd")])
    #expect(suffix.requests.map { $0.headers["range"] } == ["bytes=-4"])
    #expect(suffix.part?.offset == 96)
    let short = try read(.suffix(count: 10), [Self.part("bytes 0-3/4", "abcd")])
    #expect(short.part?.offset == 0 && short.part?.objectSize == 4)
    let end = try read(.bytes(offset: 98, count: 10), [Self.part("bytes 98-99/100", "ab")])
    #expect(end.part?.bytes.count == 2)
  }

  @Test(arguments: [
    ("bytes 3-6/100", "abc"), ("bytes 3-6/100", "abcde"), ("bytes 2-5/100", "abcd"),
    ("bytes 3-5/100", "abc"), ("bytes 3-6/5", "abcd"), ("bytes 3-6/*", "abcd"),
    ("bytes 6-3/100", "abcd"), ("items 3-6/100", "abcd"),
    ("bytes 3-99999999999999999999/100", "abcd"),
    ("bytes -3-6/100", "abcd"), ("", "abcd"), ("bytes 0-99/100", "abcd"), ("bytes 3-6", "abcd"),
  ])
  func otherBytesAreDamage(_ range: String, _ body: String) throws {
    let outcome = try read(.bytes(offset: 3, count: 4), [Self.part(range, body)])
    #expect(outcome.code == .damaged)
    #expect(outcome.requests.count == 4)
  }

  /// The end of the object is nearer than any of these.
  @Test func rangesMayBeLongerThanAnything() throws {
    let rest = Self.part("bytes 10-12/13", "abc")
    let most = try read(.bytes(offset: 10, count: .max), [rest])
    #expect(most.requests.map { $0.headers["range"] } == ["bytes=10-9223372036854775806"])
    #expect(most.part?.bytes.count == 3 && most.part?.offset == 10)
    #expect(try read(.suffix(count: .max), [Self.part("bytes 0-0/1", "a")]).part?.offset == 0)
    let far = ObjectRange.bytes(offset: UInt64(Int64.max) - 1, count: 5)
    #expect(try read(far, [.with(416, [("content-range", "bytes */7")])]).part?.bytes == [])
  }

  @Test(arguments: [
    "bytes 10-999999999999999999/1000000000000000000", "bytes 10-12/999999999999999999",
    "bytes 999999999999999998-999999999999999998/999999999999999999",
    "bytes 18446744073709551615-18446744073709551615/18446744073709551615", "bytes 0-0/0",
    "bytes 10-12/", "bytes /13", "bytes -/13", "bytes 10-/13", "bytes 10-12/13/13",
  ])
  func numbersThatCannotBeAreDamage(_ text: String) throws {
    for range in [ObjectRange.bytes(offset: 10, count: .max), .bytes(offset: 10, count: 3)] {
      #expect(try read(range, [Self.part(text, "abcd")]).code == .damaged)
    }
  }

  @Test func damageMayPass() throws {
    let outcome = try read(
      .bytes(offset: 3, count: 4),
      [Self.part("bytes 3-6/100", "abc"), Self.part("bytes 3-6/100", "abcd")])
    #expect(outcome.part?.bytes == Array("abcd".utf8))
  }

  @Test func aServerWithoutRangesWillDoForWholeObjects() throws {
    let whole = HTTPResponse.with(200, [("etag", "\"t\"")], "abcd")
    #expect(try read(.bytes(offset: 0, count: 10), [whole]).part?.objectSize == 4)
    #expect(try read(.suffix(count: 10), [whole]).part?.objectSize == 4)
    #expect(try read(.bytes(offset: 1, count: 3), [whole]).code == .damaged)
    #expect(try read(.bytes(offset: 0, count: 10), [.with(200, [], "")]).code == .damaged)
    let transport = FakeTransport([
      .failure(HTTPFailure(kind: .tooLarge(status: 200), message: "long"))
    ])
    let store = try S3ObjectStore.fake(transport)
    #expect(code { _ = try store.read(name("a"), .bytes(offset: 0, count: 2)) } == .unsupported)
    #expect(transport.requests.count == 1)
  }

  @Test func nothingLiesBehindTheEnd() throws {
    let told = HTTPResponse.with(416, [("content-range", "bytes */7")])
    #expect(try read(.bytes(offset: 7, count: 1), [told]).part?.objectSize == 7)
    let silent = HTTPResponse.error(416, "InvalidRange")
    let asked = try read(.bytes(offset: 9, count: 1), [silent, Self.head("1234567")])
    #expect(asked.part?.objectSize == 7 && asked.requests.last?.method == .head)
    #expect(try read(.bytes(offset: 6, count: 1), [told]).code == .damaged)
    #expect(try read(.suffix(count: 1), [.with(416, [("content-range", "bytes */0")])]).code == nil)
  }

  @Test func noBytesAreNotAskedFor() throws {
    let outcome = try read(.bytes(offset: 5, count: 0), [Self.head("1234567")])
    #expect(outcome.requests.map(\.method) == [.head])
    #expect(outcome.part?.bytes == [] && outcome.part?.offset == 5)
    #expect(try read(.suffix(count: -1), [.with(404)]).code == .absent)
    #expect(try read(.bytes(offset: .max, count: 5), [Self.head("")]).part?.bytes == [])
  }

  @Test func onlyTheBucketSaysThatAnObjectIsAbsent() throws {
    let range = ObjectRange.suffix(count: 1)
    #expect(try read(range, [.error(404, "NoSuchKey")]).code == .absent)
    #expect(try read(range, [.error(404, "NoSuchBucket")]).code == .invalid)
    #expect(try read(range, [.with(404, [], "<html>no such page</html>")]).code == .unavailable)
    #expect(try read(range, [.with(404), Self.part("bytes 9-9/10", "a")]).part?.bytes.count == 1)
    #expect(try read(range, [.with(410)]).code == .invalid)
  }

  @Test func anArchivedObjectSaysSo() throws {
    #expect(
      try read(.suffix(count: 1), [.error(403, "InvalidObjectState")]).code == .archived)
    #expect(try read(.suffix(count: 1), [.error(404, "NoSuchKey")]).code == .absent)
  }

  @Test func aWholeObjectIsHeldToItsChecksum() throws {
    func answer(_ checksum: String) -> HTTPResponse {
      .with(
        206, [("content-range", "bytes 0-8/9"), ("x-amz-checksum-crc32c", checksum)], "123456789")
    }
    #expect(try read(.suffix(count: 9), [answer("4waSgw==")]).code == nil)
    #expect(try read(.suffix(count: 9), [answer("4waSgx==")]).code == .damaged)
    #expect(try read(.suffix(count: 9), [answer("anything==-3")]).code == nil)
    #expect(
      try read(.suffix(count: 9), [answer("4waSgw==")]).requests[0].headers["x-amz-checksum-mode"]
        == "ENABLED")
  }

  @Test(arguments: [
    ([], ObjectStatus.Access.readable, nil as String?),
    ([("x-amz-storage-class", "STANDARD")], .readable, nil),
    ([("x-amz-storage-class", "STANDARD_IA")], .readable, "STANDARD_IA"),
    ([("x-amz-storage-class", "GLACIER_IR")], .readable, "GLACIER_IR"),
    ([("x-amz-storage-class", "GLACIER")], .archived, "GLACIER"),
    ([("x-amz-storage-class", "DEEP_ARCHIVE")], .archived, "DEEP_ARCHIVE"),
    (
      [("x-amz-storage-class", "GLACIER"), ("x-amz-restore", "ongoing-request=\"true\"")],
      .restoring,
      "GLACIER"
    ),
    (
      [
        ("x-amz-storage-class", "GLACIER"),
        (
          "x-amz-restore",
          "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\""
        ),
      ], .readable, "GLACIER"
    ),
    (
      [("x-amz-storage-class", "INTELLIGENT_TIERING"), ("x-amz-archive-status", "ARCHIVE_ACCESS")],
      .archived, "INTELLIGENT_TIERING"
    ),
  ])
  func aStatusTellsTheClass(
    _ headers: [(String, String)], _ access: ObjectStatus.Access, _ storageClass: String?
  ) throws {
    let store = try S3ObjectStore.fake(FakeTransport([.success(Self.head("123", headers))]))
    let status = try #require(try store.status(of: name("a")))
    #expect(status.access == access && status.size == 3)
    #expect(status.storageClass == storageClass.map { StorageClass($0) })
  }
}
