import Testing

@testable import VarveS3

@Suite struct XMLTests {
  private static let listing = """
    \u{feff}<?xml version="1.0" encoding="UTF-8"?>
    <!-- a > b --><s3:ListBucketResult xmlns:s3="http://x/" a='>"' >
      <IsTruncated>true</IsTruncated><Name/>
      <Contents><Key>a&amp;b&#x2F;&#99;<![CDATA[<&]]></Key><Size>1</Size><Owner><ID>o</ID></Owner></Contents>
      <Contents ><Key>d</Key></Contents>
    </s3:ListBucketResult>

    """

  @Test func groupsAreFound() throws {
    let groups = try #require(
      XMLGroups(Array(Self.listing.utf8), of: ["ListBucketResult", "Contents"]))
    #expect(groups.root == "ListBucketResult")
    #expect(groups["ListBucketResult"] == [["IsTruncated": "true", "Name": ""]])
    #expect(groups["Contents"] == [["Key": "a&b/c<&", "Size": "1"], ["Key": "d"]])
    #expect(groups["Owner"].isEmpty)
  }

  @Test func whatIsNotWholeIsNothing() {
    let bytes = Array(Self.listing.utf8)
    let end = bytes.count - 1
    for count in 0..<(end - 1) {
      #expect(XMLGroups(Array(bytes[..<count]), of: []) == nil, "the first \(count) bytes")
    }
    #expect(XMLGroups(Array(bytes[..<end]), of: []) != nil)
  }

  @Test(arguments: [
    "", " ", "x", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<a>&#xD800;</a>",
    "<a>&#99999999999;</a>", "<a>&amp</a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a/>x",
    "<a b=\"></a>", "< a></a>", "<a\u{1}></a>", "<a:/>", "<a><![CDATA[x]]</a>", "<a><!-- </a>",
    "<!-- -->", "<?xml?>", "<![CDATA[x]]><a/>",
  ])
  func whatIsNoDocumentIsNone(_ text: String) {
    #expect(XMLGroups(Array(text.utf8), of: ["a"]) == nil)
  }

  @Test func depthIsLimited() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)).utf8)
    }
    #expect(XMLGroups(nested(32), of: []) != nil)
    #expect(XMLGroups(nested(33), of: []) == nil)
    #expect(XMLGroups(nested(100_000), of: []) == nil)
  }

  @Test func noBytesTrap() {
    let valid = Array(Self.listing.utf8)
    var random = FakeRandom()
    for _ in 0..<3000 {
      var bytes = valid
      for _ in 0...(random.next() % 4) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
          truncatingIfNeeded: random.next() >> 32)
      }
      _ = XMLGroups(bytes, of: ["ListBucketResult", "Contents"])
      _ = ListingDocument(bytes)
      _ = UploadsDocument(bytes)
      _ = S3ErrorDocument(bytes)
    }
    random = FakeRandom()
    for count in 0..<300 {
      _ = XMLGroups((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }, of: [])
    }
  }

  @Test func textIsEscaped() throws {
    let text = "<a&b>\"'\r\n\t é"
    let groups = try #require(
      XMLGroups(Array("<r>\(XMLText.element("k", text))</r>".utf8), of: ["r"]))
    #expect(groups["r"] == [["k": text]])
  }
}
