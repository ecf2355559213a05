import Testing
import VarveObjects

@testable import VarveS3

@Suite struct ArchiveTests {
  private static let copied = HTTPResponse.with(
    200, [], "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>")

  private static let modified = [("last-modified", "Fri, 24 May 2013 00:00:00 GMT")]

  @Test func aCopyNamesItsSource() throws {
    let transport = FakeTransport { request, _ in
      request.method == .head ? .with(200, Self.modified, "123") : Self.copied
    }
    let store = try S3ObjectStore.fake(transport)
    try store.copy(name("a"), to: name("b"), class: StorageClass("DEEP_ARCHIVE"))
    let request = try #require(transport.requests.last)
    #expect(request.path == "/p/b" && request.headers["x-amz-copy-source"] == "/bucket/p/a")
    #expect(request.headers["x-amz-storage-class"] == "DEEP_ARCHIVE")
  }

  @Test func aLargeObjectIsCopiedInParts() throws {
    let transport = FakeTransport { request, _ in
      let query = request.query.map(\.0)
      if request.method == .head {
        return HTTPResponse(
          status: 200,
          headers: HTTPHeaders(Self.modified + [("content-length", "\((6 << 30) + 1)")]))
      }
      if query.contains("uploads") {
        return .with(
          200, [],
          "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
      }
      return query.contains("partNumber")
        ? .with(200, [], "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>")
        : UploadTests.Server.done
    }
    let store = try S3ObjectStore.fake(transport)
    try store.copy(name("a"), to: name("b"), class: StorageClass("STANDARD_IA"))
    let ranges = transport.requests.compactMap { $0.headers["x-amz-copy-source-range"] }
    #expect(ranges.count == 385 && ranges.contains("bytes=0-16777215"))
    #expect(ranges.contains("bytes=6442450944-6442450944"))
  }

  @Test func whatCannotBeCopiedSaysWhy() throws {
    let absent = try S3ObjectStore.fake(FakeTransport([.success(.with(404))]))
    #expect(
      code { try absent.copy(name("a"), to: name("b"), class: StorageClass("X")) } == .absent)
    let inside = FakeTransport { request, _ in
      request.method == .head ? .with(200, Self.modified, "123") : .error(200, "InvalidObjectState")
    }
    let archived = try S3ObjectStore.fake(inside)
    #expect(
      code { try archived.copy(name("a"), to: name("b"), class: StorageClass("X")) } == .archived)
    let without = try S3ObjectStore.fake(inside) { $0.profile = .swift }
    #expect(
      code { try without.copy(name("a"), to: name("b"), class: StorageClass("X")) } == .unsupported)
    #expect(
      code {
        _ = try without.put(name("a"), ObjectContent([]), if: .always, class: StorageClass("X"))
      } == .unsupported)
  }

  @Test(arguments: [
    (HTTPResponse.with(202), nil as ObjectStoreError.Code?), (.with(200), nil),
    (.error(409, "RestoreAlreadyInProgress"), nil), (.error(403, "InvalidObjectState"), .invalid),
    (.error(403, "AccessDenied"), .denied), (.error(404, "NoSuchKey"), .absent),
    (.error(501, "NotImplemented"), .unsupported), (.error(409, "Other"), .unavailable),
  ])
  func restoringIsAskedFor(_ answer: HTTPResponse, _ outcome: ObjectStoreError.Code?) throws {
    let transport = FakeTransport([.success(answer)])
    let store = try S3ObjectStore.fake(transport)
    #expect(code { try store.restore(name("a"), days: 3) } == outcome)
    let request = try #require(transport.requests.first)
    #expect(request.encodedQuery == "restore=" && request.method == .post)
    let body = String(
      decoding: try request.body.content.piece(request.body.range), as: UTF8.self)
    #expect(body.contains("<Days>3</Days>"))
    #expect(code { try store.restore(name("a"), days: 0) } == .invalid)
  }
}
