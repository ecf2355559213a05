import VarveFormat
import VarveObjects

@testable import VarveS3

extension FuzzTarget {
  /// An answer to a request for a range: the range in ten bytes, lines of headers up to an empty one, and
  /// the body.
  static let s3Answers = FuzzTarget("s3-answers", upTo: 1 << 10) { view in
    let bytes = view.array
    let status = Int(view.byte(at: 0) ?? 0) + 200
    let count = Int(view.uint16(at: 1) ?? 0)
    let offset = view.uint64(at: 2) ?? 0
    let (headers, body) = message(bytes.dropFirst(10))
    let response = HTTPResponse(status: status, headers: headers, body: body)
    for field in headers.fields { checkTexts(field.value) }
    if let status = ObjectStatus(response) { check(time: status.modified) }
    if let time = response.serverTime { check(time: time) }
    // Behind the end of what there may be, and well within.
    for range in [
      ObjectRange.bytes(offset: offset, count: count),
      .bytes(offset: offset >> 56, count: count & 15), .suffix(count: count), .suffix(count: 4),
      .bytes(offset: 0, count: .max),
    ] {
      guard let asked = S3Range(range), let part = asked.part(of: response) else { continue }
      promise(part.bytes == body, "other bytes than were answered")
      promise(part.bytes.count <= asked.count, "more bytes than asked for")
      let end = part.offset.addingReportingOverflow(UInt64(part.bytes.count))
      promise(!end.overflow && end.partialValue <= part.objectSize, "bytes behind the end")
    }
  }

  private static func message(_ bytes: ArraySlice<UInt8>) -> (HTTPHeaders, [UInt8]) {
    var headers = HTTPHeaders()
    var rest = bytes
    while let end = rest.firstIndex(of: 0x0a) {
      let line = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
      guard !line.isEmpty else { break }
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      headers.add(String(line[..<colon]), String(line[colon...].dropFirst().drop { $0 == " " }))
    }
    return (headers, Array(rest))
  }

  /// A value as everything that values are read as.
  private static func checkTexts(_ text: String) {
    for time in [CivilTime(header: text), CivilTime(document: text)] {
      guard let time else { continue }
      check(time: time.milliseconds)
      promise(CivilTime(milliseconds: time.milliseconds) == time, "a time is another")
    }
    promise(PercentCoding.decode(PercentCoding.encode(text)) == text, "percents lose text")
    _ = PercentCoding.decode(text)
    if let origin = HTTPOrigin(text) { check(origin) }
    if let address = HTTPAddress(text) {
      check(address.origin)
      promise(address.path.first == "/", "a path without a slash")
      promise(text.lowercased().contains(address.origin.host), "a host from nowhere")
    }
  }

  private static func check(_ origin: HTTPOrigin) {
    promise(HTTPOrigin(origin.address) == origin, "\(origin.address) is another server")
    promise(!origin.host.contains { "@/?#\\ ".contains($0) }, "a host that ends early")
  }

  /// In the calendar that we have, written as signatures want it.
  private static func check(time milliseconds: UInt64) {
    let stamp = CivilTime(milliseconds: milliseconds).stamp
    promise(stamp.utf8.count == 16 && stamp.last == "Z", "a time is written as \(stamp)")
  }
}
