import Testing
import VarveObjects

@testable import VarveS3

/// Uploads that were begun and never finished. The server's clock says 24 May 2013, 00:00.
@Suite struct StaleUploadTests {
  private static func page(
    _ uploads: [(key: String, begun: String)], next: (key: String, id: String)? = nil
  ) -> HTTPResponse {
    let marks = next.map {
      XMLText.element("NextKeyMarker", $0.key) + XMLText.element("NextUploadIdMarker", $0.id)
    }
    let list = uploads.map { key, begun in
      "<Upload>\(XMLText.element("Key", key))<UploadId>u</UploadId><Initiated>\(begun)</Initiated>"
        + "</Upload>"
    }
    return .with(
      200, [],
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
        + "<IsTruncated>\(next != nil)</IsTruncated>\(marks ?? "")\(list.joined())"
        + "</ListMultipartUploadsResult>")
  }

  private static let old = "2013-05-01T00:00:00.000Z"
  private static let day: UInt64 = 86_400_000

  private func removed(
    olderThan age: UInt64 = day, _ pages: @escaping FakeTransport.Answer
  ) throws -> (count: Int?, code: ObjectStoreError.Code?, requests: [HTTPRequest]) {
    let transport = FakeTransport { request, body throws(HTTPFailure) in
      request.method == .delete ? .with(204) : try pages(request, body)
    }
    let store = try S3ObjectStore.fake(transport)
    var count: Int?
    let code = code { count = try store.removeUnfinished(olderThan: age) }
    return (count, code, transport.requests)
  }

  private func paths(_ requests: [HTTPRequest]) -> [String] {
    requests.filter { $0.method == .delete }.map(\.path)
  }

  @Test func oldUploadsAreGivenUp() throws {
    let outcome = try removed { request, _ in
      request.query.contains { $0.0 == "key-marker" }
        ? Self.page([("p/old2", Self.old)])
        : Self.page(
          [("p/old1", "2013-05-22T23:59:59.000Z"), ("p/new", "2013-05-23T00:00:01.000Z")],
          next: ("p/new", "m"))
    }
    #expect(outcome.count == 2 && paths(outcome.requests) == ["/p/old1", "/p/old2"])
    let deletions = outcome.requests.filter { $0.method == .delete }
    #expect(deletions.allSatisfy { $0.encodedQuery == "uploadId=u" })
  }

  @Test func oneThatIsGoneAlreadyIsNoFailure() throws {
    let transport = FakeTransport { request, _ in
      request.method == .delete
        ? .error(404, "NoSuchUpload") : Self.page([("p/old", Self.old)])
    }
    #expect(try S3ObjectStore.fake(transport).removeUnfinished(olderThan: Self.day) == 1)
  }

  /// Where a server does not look at the prefix the uploads of others are listed too.
  @Test func uploadsOfOthersAreLeftAlone() throws {
    // The third begins with ours by its bytes, though not by its characters.
    let keys = ["a", "p", "p/%CC%81x", "p%FF/a", "q/p/a"]
    let outcome = try removed { _, _ in Self.page(keys.map { ($0, Self.old) }) }
    #expect(paths(outcome.requests) == ["/p/%CC%81x"] && outcome.count == 1)
  }

  @Test func noAgeIsTooGreat() throws {
    let outcome = try removed(olderThan: .max) { _, _ in Self.page([("p/old", Self.old)]) }
    #expect(outcome.count == 0 && paths(outcome.requests).isEmpty)
  }

  @Test func pagesThatDoNotGoOnAreAnError() throws {
    let same = try removed { _, _ in Self.page([], next: ("p/a", "m")) }
    #expect(same.code == .damaged && same.requests.count == 2)
    let circle = try removed { request, _ in
      let isFirst = request.query.contains { $0.1 == "1" }
      return Self.page([], next: ("p/a", isFirst ? "2" : "1"))
    }
    #expect(circle.code == .damaged && circle.requests.count == 3)
    let back = try removed { request, _ in
      let isFirst = !request.query.contains { $0.0 == "key-marker" }
      return Self.page([], next: (isFirst ? "p/b" : "p/a", "m"))
    }
    #expect(back.code == .damaged && back.requests.count == 2)
  }
}
