import VarveFormat

/// Reads entries from JSON Lines: one object a line.
///
/// ```
/// {"key": "zsh", "value": "text"}            the value is the text's UTF-8
/// {"key": "zsh", "value": {"Size": 1}}       the value is {"Size": 1}, exactly as it stands
/// {"key_hex": "ff00", "value_hex": "c328"}   bytes that are not UTF-8
/// {"keyspace": "vectors", "expires": 1790000000000, "key": ..., "value": ...}
/// ```
///
/// Members come in any order. An unknown or repeated member is an error: a misspelt name must not
/// lose a value in silence.
struct JSONLinesReader: RecordReader {
  private var scanner: JSONScanner
  private(set) var line: UInt64 = 0
  private var scratch: [UInt8] = []

  init(_ source: any ChunkSource) { scanner = JSONScanner(source) }

  var offset: UInt64 { scanner.stream.offset }

  mutating func next(into record: inout ImportRecord) throws -> Bool {
    record.removeAll()
    guard try scanner.seekRecord() else { return false }
    line = scanner.stream.line
    try scanner.expect(UInt8(ascii: "{"), "an object, {\"key\": ..., \"value\": ...}")
    var seen: Set<Member> = []
    if try scanner.next() != UInt8(ascii: "}") {
      repeat { try member(into: &record, &seen) } while try scanner.take(UInt8(ascii: ","))
    }
    try scanner.expect(UInt8(ascii: "}"), "',' or '}'")
    for needed in [Member.key, .value] where !seen.contains(needed) {
      throw scanner.error("the line has no \"\(needed.rawValue)\"")
    }
    try scanner.endRecord()
    return true
  }
}

// MARK: - Members

extension JSONLinesReader {
  /// What a line may tell; the hexadecimal forms are the same members in other clothes.
  private enum Member: String {
    case key, value, keyspace, expires
  }

  private mutating func member(into record: inout ImportRecord, _ seen: inout Set<Member>) throws {
    _ = try scanner.next()
    let place = scanner.error("")
    let name = try text(limit: 256)
    let isHex = name.hasSuffix("_hex")
    guard let member = Member(rawValue: isHex ? String(name.dropLast(4)) : name),
      !isHex || member == .key || member == .value
    else { throw at(place, "unknown member \"\(EscapedText.text(Array(name.utf8)))\"") }
    guard seen.insert(member).inserted else { throw at(place, "a second \"\(member.rawValue)\"") }
    try scanner.expect(UInt8(ascii: ":"), "':'")
    _ = try scanner.next()
    switch member {
    case .key: try bytes(into: &record.key, isHex, limit: Limits.keyBytes)
    case .value where isHex: try bytes(into: &record.value, true, limit: Limits.valueBytes)
    case .value: try value(into: &record.value)
    case .keyspace:
      let name = try text(limit: Limits.keyspaceNameBytes)
      guard !name.isEmpty else { throw at(place, "a keyspace has a name") }
      record.keyspace = name
    case .expires: record.expiry = try expiry()
    }
  }

  private mutating func value(into output: inout [UInt8]) throws {
    if try scanner.peek() == UInt8(ascii: "\"") {
      try scanner.string(.decoded, into: &output, limit: Limits.valueBytes)
    } else {
      try scanner.value(into: &output, limit: Limits.valueBytes)
    }
  }

  /// A string, or a string of hexadecimal digits, as bytes.
  private mutating func bytes(into output: inout [UInt8], _ isHex: Bool, limit: Int) throws {
    guard isHex else { return try scanner.string(.decoded, into: &output, limit: limit) }
    let place = scanner.error("")
    scratch.removeAll(keepingCapacity: scratch.capacity <= 1 << 20)
    try scanner.string(.decoded, into: &scratch, limit: 2 * limit)
    guard let bytes = Hexadecimal.parse(scratch) else {
      throw at(place, "not an even number of hexadecimal digits")
    }
    output = bytes
  }

  private mutating func text(limit: Int) throws -> String {
    scratch.removeAll(keepingCapacity: true)
    try scanner.string(.decoded, into: &scratch, limit: limit)
    return String(decoding: scratch, as: UTF8.self)
  }

  private mutating func expiry() throws -> UInt64 {
    let place = scanner.error("")
    scratch.removeAll(keepingCapacity: true)
    try scanner.value(into: &scratch, limit: 64)
    guard let time = UInt64(String(decoding: scratch, as: UTF8.self)), time > 0 else {
      throw at(place, "\"expires\" is milliseconds since 1970, a whole number above zero")
    }
    return time
  }

  private func at(_ place: InputError, _ message: String) -> InputError {
    InputError(line: place.line, column: place.column, message: message)
  }
}
