import VarveFormat
import VarveObjects

/// A range as requests say it, and what of an answer belongs to it. (RFC 9110, section 14.)
struct S3Range: Sendable {
  /// What the header Range says.
  let header: String
  /// Bytes at most.
  let count: Int
  private let range: ObjectRange

  /// Nil where the range has no bytes in any object. No object reaches behind 2^63 bytes.
  init?(_ range: ObjectRange) {
    self.range = range
    switch range {
    case .bytes(let offset, let count):
      // Servers count by 63 bits.
      guard count > 0, offset < UInt64(Int64.max) else { return nil }
      self.count = min(count, Int(UInt64(Int64.max) - offset))
      header = "bytes=\(offset)-\(offset + UInt64(self.count) - 1)"
    case .suffix(let count):
      guard count > 0 else { return nil }
      self.count = count
      header = "bytes=-\(count)"
    }
  }

  /// The bytes that were answered, if they are those that were asked for, whole and in their place. A
  /// server without ranges answers the whole object, which will do where that was asked for.
  func part(of response: HTTPResponse) -> ObjectPart? {
    guard let (offset, size) = place(of: response) else { return nil }
    let expected = range.resolved(in: size)
    guard expected.lowerBound == offset, UInt64(response.body.count) == expected.count,
      Self.hasItsChecksum(response, isWhole: expected.count == size)
    else { return nil }
    return ObjectPart(
      bytes: response.body, offset: offset, objectSize: size, serverTime: response.serverTime)
  }

  /// Where the answer's bytes begin, and the size of the object.
  private func place(of response: HTTPResponse) -> (UInt64, UInt64)? {
    if let text = response.headers["content-range"] { return Self.parsed(text) }
    guard response.status == 200, response.headers["etag"] != nil,
      let length = response.headers.number("content-length")
    else { return nil }
    return (0, length)
  }

  /// `bytes 0-9/100`, whose numbers must fit each other.
  private static func parsed(_ text: String) -> (UInt64, UInt64)? {
    guard text.hasPrefix("bytes ") else { return nil }
    let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let size = UInt64(digits: parts[1]) else { return nil }
    // Of an empty object some say that they answer it, from its first byte to the one before.
    if size == 0 { return (0, 0) }
    let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = UInt64(digits: ends[0]), let last = UInt64(digits: ends[1]),
      first <= last, last < size
    else { return nil }
    return (first, size)
  }

  /// Of a whole object the bucket may know the CRC-32C; one with a `-` is of parts.
  private static func hasItsChecksum(_ response: HTTPResponse, isWhole: Bool) -> Bool {
    guard isWhole, let told = response.headers["x-amz-checksum-crc32c"], !told.contains("-") else {
      return true
    }
    let own = response.body.withByteView { CRC32C.checksum(of: $0) }
    return told == ByteText.base64(own)
  }
}
