import Testing
import VarveObjects

@testable import VarveS3

@Suite struct ListingTests {
  private static func page(
    _ keys: [String], truncated: Bool = false, token: String? = nil, encoded: Bool = true
  ) -> HTTPResponse {
    written(
      encoded ? keys.map { PercentCoding.encode($0) } : keys, truncated: truncated, token: token,
      encoded: encoded)
  }

  /// A page with keys as they stand in it.
  private static func written(
    _ keys: [String], truncated: Bool = false, token: String? = nil, encoded: Bool = true
  ) -> HTTPResponse {
    let contents = keys.map { key in
      "<Contents>\(XMLText.element("Key", key))"
        + "<LastModified>2009-10-12T17:50:30.000Z</LastModified><Size>5</Size></Contents>"
    }.joined()
    return .with(
      200, [],
      "<ListBucketResult><IsTruncated>\(truncated)</IsTruncated>"
        + (encoded ? "<EncodingType>url</EncodingType>" : "")
        + (token.map { XMLText.element("NextContinuationToken", $0) } ?? "")
        + contents + "</ListBucketResult>")
  }

  private func list(
    _ answers: [HTTPResponse], below prefix: String = "s", after place: String? = nil,
    limit: Int = 1000
  ) throws -> (listing: ObjectListing?, code: ObjectStoreError.Code?, queries: [[String: String]]) {
    let transport = FakeTransport(answers.map { .success($0) })
    let store = try S3ObjectStore.fake(transport)
    var listing: ObjectListing?
    let code = code { listing = try store.list(prefix, after: place, limit: limit) }
    let queries = transport.requests.map { request in
      Dictionary(request.query, uniquingKeysWith: { first, _ in first })
    }
    return (listing, code, queries)
  }

  @Test func aPageIsAskedForBelowThePrefix() throws {
    let outcome = try list([Self.page(["p/s1", "p/s2"])], after: "s0", limit: 7)
    #expect(
      outcome.queries == [
        [
          "list-type": "2", "prefix": "p/s", "max-keys": "7", "encoding-type": "url",
          "start-after": "p/s0",
        ]
      ])
    #expect(outcome.listing?.entries.map(\.name.description) == ["s1", "s2"])
    #expect(outcome.listing?.entries.first?.modified == 1_255_369_830_000)
    #expect(outcome.listing?.end == nil && outcome.listing?.serverTime == 1_369_353_600_000)
  }

  @Test func foreignKeysArePassedOver() throws {
    let keys = [
      "p/s ", "p/s a+b", "p/s/", "p/s//x", "p/s1", "p/s/../x", "p/sÄ", "p/s\u{1f600}",
    ].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let outcome = try list([Self.page(keys, truncated: true)])
    #expect(outcome.listing?.entries.map(\.name.description) == ["s1"])
    // The next page begins behind the last key, whoever's it is.
    #expect(outcome.listing?.end == "s\u{1f600}")
    #expect(try list([Self.page(["p/s1"], encoded: false)]).listing?.entries.count == 1)
  }

  @Test func whatIsNotBelowThePrefixIsNotTakenForOurs() throws {
    for key in ["other/a", "p/t1", "p/", "P/s1", "p/\u{301}s"] {
      #expect(try list([Self.page([key])]).code == .unsupported, "\(key)")
    }
    // Characters may reach over the prefix's end; bytes do not.
    let accents = try list([Self.page(["p/\u{301}x"], truncated: true)], below: "")
    #expect(accents.listing?.entries.isEmpty == true && accents.listing?.end == "\u{301}x")
  }

  @Test func keysThatAreNoTextArePassedOver() throws {
    let mixed = try list([Self.written(["p/s0%FF", "p/s1", "p/s2%C3"], truncated: true)])
    #expect(mixed.listing?.entries.map(\.name.description) == ["s1"])
    #expect(mixed.listing?.end == "s1")
    let pages = try list([
      Self.written(["p/s0%FF"], truncated: true, token: "t"), Self.page(["p/s1"]),
    ])
    #expect(pages.listing?.entries.count == 1 && pages.listing?.end == nil)
    #expect(pages.queries.last?["continuation-token"] == "t")
  }

  @Test func emptyPagesArePassedOver() throws {
    let outcome = try list([
      Self.page([], truncated: true, token: "t+1"), Self.page(["p/s1"]),
    ])
    #expect(outcome.listing?.entries.count == 1)
    #expect(outcome.queries.last?["continuation-token"] == "t+1")
    let endless = try list((0..<60).map { Self.page([], truncated: true, token: "t\($0)") })
    #expect(endless.code == .damaged && endless.queries.count == 50)
    let same = try list([Self.page([], truncated: true, token: "t")])
    #expect(same.code == .damaged && same.queries.count == 2)
  }

  @Test func moreThanAskedForIsCut() throws {
    let outcome = try list([Self.page(["p/s1", "p/s2", "p/s3"])], limit: 2)
    #expect(outcome.listing?.entries.count == 2 && outcome.listing?.end == "s2")
  }

  @Test func anOrderThatIsNoneIsRefused() throws {
    #expect(try list([Self.page(["p/s2", "p/s1"])]).code == .unsupported)
    #expect(try list([Self.page(["p/s1", "p/s1"])]).code == .unsupported)
    #expect(try list([Self.page(["p/s1"])], after: "s1").code == .unsupported)
  }

  @Test func whatIsNotWholeIsAskedForAgain() throws {
    let whole = Self.page(["p/s1"])
    var cut = whole
    cut.body.removeLast(8)
    #expect(try list([cut, whole]).listing?.entries.count == 1)
    for broken in [
      "", "<html></html>", "<ListBucketResult/>", "<Error><Code>x</Code></Error>",
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>p/s1</Key></Contents>"
        + "</ListBucketResult>",
      "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    ] {
      let outcome = try list([.with(200, [], broken)])
      #expect(outcome.code == .damaged && outcome.queries.count == 4, "\(broken)")
    }
  }
}
