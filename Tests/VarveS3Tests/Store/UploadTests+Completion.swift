import Testing
import VarveObjects
import VarvePlatform

@testable import VarveS3

/// The last request of an upload, whose answer may be lost.
extension UploadTests {
  @Test func aFailureInsideASuccessIsTriedAgain() throws {
    let server = Server()
    let outcome = try put(
      server.transport(complete: { $0 < 3 ? .error(200, "InternalError") : Server.done }))
    #expect(outcome == nil && server.state.withLock { $0.completions } == 3)
  }

  @Test func aCutCompletionIsTriedAgain() throws {
    let server = Server()
    let outcome = try put(
      server.transport(complete: { $0 < 2 ? .with(200, [], "<CompleteMultip") : Server.done }))
    #expect(outcome == nil && server.state.withLock { $0.completions } == 2)
  }

  @Test func aCompletionWhoseAnswerWasLostIsFound() throws {
    let server = Server()
    let transport = server.transport(complete: { nth throws(HTTPFailure) in
      if nth == 1 { throw .lost }
      return .error(404, "NoSuchUpload")
    })
    #expect(try put(transport) == nil)
    let conditional = Server()
    let refused = conditional.transport(complete: { nth throws(HTTPFailure) in
      if nth == 1 { throw .lost }
      return .error(412, "PreconditionFailed")
    })
    #expect(try put(refused, if: .absent) == nil)
  }

  @Test func anObjectOfSomeoneElseIsNotTakenForOurs() throws {
    let server = Server()
    let transport = server.transport(complete: { nth throws(HTTPFailure) in
      if nth == 1 { throw .lost }
      server.state.withLock { $0.nonce = "other" }
      return .error(404, "NoSuchUpload")
    })
    #expect(try put(transport) == .uncertain)
    #expect(
      try put(Server().transport(complete: { _ in .error(412, "P") }), if: .absent) == .exists)
  }

  @Test func anUploadThatIsGoneMayBeOurObject() throws {
    // Nobody knows of an earlier try, and yet there was one: a proxy's, or libcurl's.
    let gone = HTTPResponse.error(404, "NoSuchUpload")
    #expect(try put(Server().transport(complete: { _ in gone })) == nil)
    let others = Server()
    let transport = others.transport(complete: { _ in
      others.state.withLock { $0.nonce = "other" }
      return gone
    })
    #expect(try put(transport) == .unavailable)
    #expect(try put(Server().transport(part: { _, _ in gone })) == .unavailable)
  }

  @Test func whereNobodyTellsWhoseItIsItIsUncertain() throws {
    let server = Server()
    let transport = server.transport(complete: { _ in .error(404, "NoSuchUpload") })
    let silent = FakeTransport { request, body throws(HTTPFailure) in
      request.method == .head ? .with(403) : try transport.send(request, HTTPCancellation())
    }
    #expect(try put(silent) == .uncertain)
  }

  @Test func aCompletionIsNeverRepeatedBehindOurBack() throws {
    let transport = Server().transport()
    #expect(try put(transport) == nil)
    let fresh = transport.requests.filter(\.needsFreshConnection)
    #expect(fresh.count == 1 && fresh.first?.query.map(\.0) == ["uploadId"])
  }
}
