import VarveFormat

@testable import VarveCLI
@testable import VarveS3

extension FuzzTarget {
  /// Where credentials come from: JSON of metadata services and programs, files of profiles.
  static let s3Credentials = FuzzTarget("s3-credentials", upTo: 2 << 10) { view in
    let bytes = view.array
    if JSONFields(bytes) != nil { promise(isJSON(bytes), "what is no JSON is taken for it") }
    let found = S3Credentials(json: bytes, token: "Token")
    promise(found == nil || JSONFields(bytes)?["AccessKeyId"] != nil, "credentials from nowhere")
    let file = ProfileFile(bytes)
    for section in ["default", "profile a"] {
      for (name, value) in file[section] ?? [:] {
        promise(!(name + value).contains(where: \.isNewline), "a setting of two lines")
        promise(value.first?.isWhitespace != true && value.last?.isWhitespace != true, "blanks")
      }
    }
  }

  /// Whether the reader of JSON Lines takes it for one object; an end of a line is a blank here.
  private static func isJSON(_ bytes: [UInt8]) -> Bool {
    let bytes = bytes.map { $0 == 0x0a ? 0x20 : $0 }
    var scanner = JSONScanner(MemorySource(bytes, pieceBytes: 4096))
    var value: [UInt8] = []
    do {
      guard try scanner.seekRecord(), try scanner.next() == UInt8(ascii: "{") else { return false }
      try scanner.value(into: &value, limit: bytes.count)
      try scanner.endRecord()
      return try !scanner.seekRecord()
    } catch {
      return false
    }
  }
}
