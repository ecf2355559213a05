/// What a bucket says of a failure: `<Error><Code>…</Code><Message>…</Message>…</Error>`, wherever it
/// stands and in whatever namespace. Some say nothing, or something in HTML: then all is empty.
struct S3ErrorDocument {
  /// Such as `NoSuchKey`; empty where it did not say.
  let code: String
  /// For people, cut short and without line ends.
  let message: String
  /// The region that the bucket is in, where it says so.
  let region: String?

  /// - Parameter identity: who asked; what repeats a part of it is not kept.
  init(_ body: [UInt8], hiding identity: S3Credentials? = nil) {
    let fields = XMLGroups(body, of: ["Error"])?["Error"].first ?? [:]
    code = Self.tame(fields["Code"] ?? "", 64)
    let told = fields["Message"] ?? ""
    let secrets = [
      identity?.accessKey, identity?.secretKey.revealed, identity?.sessionToken?.revealed,
    ]
    message = secrets.contains { $0.map(told.contains) ?? false } ? "" : Self.tame(told, 300)
    region = fields["Region"].flatMap { RegionName.isValid($0) ? $0 : nil }
  }

  /// At most so many characters of what may be shown on a terminal: nothing that it obeys, that turns
  /// text around or hides it, or that ends the line.
  private static func tame(_ text: String, _ count: Int) -> String {
    String(text.unicodeScalars.prefix(count).map { isTame($0) ? Character($0) : " " })
  }

  private static func isTame(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
      .unassigned:
      false
    default: true
    }
  }
}

/// Names such as `us-east-1`, and where AWS has its services there.
enum RegionName {
  /// The host of a service of AWS in a region, such as `s3`; those in China have another ending.
  static func host(of service: String, in region: String) -> String {
    "\(service).\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
  }

  /// Whether it may stand in a host name and in a signature.
  static func isValid(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
      }
  }
}
