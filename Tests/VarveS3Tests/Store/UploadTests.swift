import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// Objects in parts, against a server in the test that knows what an upload is.
@Suite struct UploadTests {
  private static let size = (64 << 20) + 5

  /// Remembers what came, and answers as told.
  final class Server: Sendable {
    struct State: Sendable {
      var parts: [Int: Int] = [:]
      var completions = 0
      var aborts = 0
      var nonce: String?
      var tooEarly = false
    }
    let state = Monitor(State())

    func transport(
      part: @escaping @Sendable (Int, Int) -> HTTPResponse? = { _, _ in nil },
      complete: @escaping @Sendable (Int) throws(HTTPFailure) -> HTTPResponse = { _ in Server.done }
    ) -> FakeTransport {
      let tries = Monitor<[Int: Int]>([:])
      return FakeTransport { [state] request, body throws(HTTPFailure) in
        let query = Dictionary(request.query, uniquingKeysWith: { first, _ in first })
        switch (request.method, query["uploadId"], query["partNumber"]) {
        case (.post, nil, nil):
          state.withLock { $0.nonce = request.headers["x-amz-meta-varve-upload"] }
          return .with(
            200, [],
            "<InitiateMultipartUploadResult><UploadId>u&amp;1</UploadId></InitiateMultipartUploadResult>"
          )
        case (.put, "u&1"?, let number?):
          let number = Int(number) ?? 0
          let nth = tries.withLock { tries in
            tries[number, default: 0] += 1
            return tries[number] ?? 0
          }
          if let other = part(number, nth) { return other }
          state.withLock { $0.parts[number] = body.count }
          return .with(200, [("etag", "\"t\(number)\"")])
        case (.post, "u&1"?, nil):
          let nth = state.withLock { state in
            state.completions += 1
            return state.completions
          }
          return try complete(nth)
        case (.delete, "u&1"?, nil):
          state.withLock { $0.aborts += 1 }
          return .with(204)
        case (.head, nil, nil):
          return HTTPResponse(
            status: 200,
            headers: HTTPHeaders([
              ("content-length", "\(UploadTests.size)"),
              ("x-amz-meta-varve-upload", state.withLock { $0.nonce } ?? ""),
            ]))
        default: return .with(400)
        }
      }
    }

    static let done = HTTPResponse.with(
      200, [], "<CompleteMultipartUploadResult><ETag>\"e-5\"</ETag></CompleteMultipartUploadResult>"
    )
  }

  /// Zeros, as many as asked for, without holding them.
  static let content = ObjectContent(count: UInt64(size)) {
    range throws(ObjectStoreError) in
    [UInt8](repeating: 0, count: range.count)
  }

  func put(
    _ transport: FakeTransport, if condition: PutCondition = .always,
    _ content: ObjectContent = content, _ change: (inout S3Options) -> Void = { _ in }
  ) throws -> ObjectStoreError.Code? {
    let store = try S3ObjectStore.fake(transport) { options in
      options.profile = .minio
      change(&options)
    }
    return code { _ = try store.put(name("big"), content, if: condition, class: nil) }
  }

  @Test func partsAreOfOneSize() throws {
    let server = Server()
    #expect(try put(server.transport()) == nil)
    let sixteen = 16 << 20
    #expect(
      server.state.withLock { $0.parts }
        == [1: sixteen, 2: sixteen, 3: sixteen, 4: sixteen, 5: 5])
    #expect(server.state.withLock { $0.aborts } == 0)
  }

  @Test func largeObjectsHaveLargerParts() {
    #expect(S3Upload.partBytes(of: 65 << 20) == 16 << 20)
    #expect(S3Upload.partBytes(of: 9000 * (16 << 20)) == 16 << 20)
    #expect(S3Upload.partBytes(of: 9000 * (16 << 20) + 1) == 17 << 20)
    #expect(S3Upload.partBytes(of: 5 << 40) == 583 << 20)
  }

  @Test(arguments: [UInt64.max, 48_318_382_080_001])
  func whatNoBucketHoldsIsRefused(_ count: UInt64) throws {
    let transport = Server().transport()
    let content = ObjectContent(count: count) { _ throws(ObjectStoreError) in [] }
    #expect(try put(transport, content) == .invalid && transport.requests.isEmpty)
  }

  @Test func theListOfPartsIsInOrder() throws {
    let server = Server()
    let transport = server.transport()
    #expect(try put(transport, if: .absent) == nil)
    let last = try #require(transport.requests.last)
    let parts = XMLGroups(try last.body.content.piece(last.body.range), of: ["Part"])?["Part"] ?? []
    #expect(parts.map { $0["PartNumber"] } == ["1", "2", "3", "4", "5"])
    #expect(parts.map { $0["ETag"] } == (1...5).map { "\"t\($0)\"" })
    // The condition stands where the object comes to be, and nowhere else.
    #expect(last.headers["if-none-match"] == "*")
    #expect(transport.requests.dropLast().allSatisfy { $0.headers["if-none-match"] == nil })
  }

  @Test func aPartThatFailsInPassingIsSentAgain() throws {
    let server = Server()
    let outcome = try put(
      server.transport(part: { $0 == 3 && $1 < 3 ? .error(500, "InternalError") : nil }))
    #expect(outcome == nil && server.state.withLock { $0.parts.count } == 5)
  }

  @Test func whatFailsIsGivenUp() throws {
    let server = Server()
    let outcome = try put(
      server.transport(part: { number, _ in number == 2 ? .error(403, "X") : nil }))
    #expect(outcome == .denied)
    #expect(
      server.state.withLock { $0.aborts } == 1 && server.state.withLock { $0.completions } == 0)
  }

  @Test func contentThatFailsIsGivenUp() throws {
    let server = Server()
    let content = ObjectContent(count: UInt64(Self.size)) { range throws(ObjectStoreError) in
      guard range.lowerBound < 40 << 20 else { throw ObjectStoreError(.invalid, "of the test") }
      return [UInt8](repeating: 0, count: range.count)
    }
    #expect(try put(server.transport(), content) == .invalid)
    #expect(server.state.withLock { $0.aborts } == 1)
  }

  @Test func whatTakesLongHasItsTime() throws {
    let transport = Server().transport()
    #expect(try put(transport) == nil)
    let second: UInt64 = 1_000_000_000
    // A mebibyte a second, which four parts share.
    let parts = transport.requests.filter { $0.method == .put }
    #expect(parts.filter { $0.body.count > 5 }.allSatisfy { $0.limits.total >= 94 * second })
    // Inside the bucket parts are copied; a byte now and then says that it still lives, or none does.
    let last = try #require(transport.requests.last)
    #expect(last.limits.firstByte == 120 * second && last.limits.stall == 120 * second)
  }

  @Test func givingUpIsNotTriedForLong() throws {
    let clock = SimulatedClock()
    let begun = Monitor<UInt64?>(nil)
    let server = Server().transport(part: { _, _ in .error(403, "AccessDenied") })
    let transport = FakeTransport { request, _ throws(HTTPFailure) in
      guard request.method == .delete else { return try server.send(request, HTTPCancellation()) }
      begun.withLock { $0 = $0 ?? clock.monotonicNanoseconds() }
      throw .refused
    }
    let store = try S3ObjectStore.fake(transport, clock: clock)
    #expect(
      code { _ = try store.put(name("big"), Self.content, if: .always, class: nil) } == .denied)
    let start = try #require(begun.withLock { $0 })
    #expect(clock.monotonicNanoseconds() - start <= 10_000_000_000)
  }

  @Test func checksumsGoWithTheParts() throws {
    let server = Server()
    let transport = server.transport()
    let store = try S3ObjectStore.fake(transport)
    _ = try store.put(name("big"), Self.content, if: .always, class: StorageClass("GLACIER"))
    let first = try #require(transport.requests.first)
    #expect(first.headers["x-amz-checksum-algorithm"] == "CRC32C")
    #expect(first.headers["x-amz-storage-class"] == "GLACIER")
    let parts = transport.requests.filter { $0.method == .put }
    #expect(parts.allSatisfy { $0.headers["x-amz-checksum-crc32c"] != nil })
    let last = try #require(transport.requests.last)
    let list = XMLGroups(try last.body.content.piece(last.body.range), of: ["Part"])?["Part"] ?? []
    #expect(list.count == 5 && list.allSatisfy { $0["ChecksumCRC32C"] != nil })
  }
}
