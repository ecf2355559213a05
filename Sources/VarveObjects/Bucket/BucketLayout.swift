package import VarveFormat

/// The names of a store's objects. Spec: bucket.md.
package enum BucketLayout {
  package static let store = literal("store")
  package static let manifests = "manifest/"
  package static let files = "file/"
  package static let logs = "log/"
  package static let pins = "pin/"
  static let probes = "probe/"

  package static func manifest(_ number: UInt64) -> ObjectName { numbered(manifests, number) }

  package static func log(_ number: UInt64) -> ObjectName { numbered(logs, number) }

  package static func file(_ file: BucketFile) -> ObjectName {
    let digest = file.object.digest.prefix(8).map { hex(UInt64($0), 2) }.joined()
    let kind = file.kind == .segment ? "segment" : "values"
    let place = "\(hex(file.object.epoch, 16))-\(hex(file.number, 16))-\(digest)"
    return literal("\(files)\(digest.prefix(2))/\(place).\(kind)")
  }

  /// Nil where `name` is no part of a name: lower-case letters, digits, `.`, `_` and `-`.
  package static func pin(_ name: String) -> ObjectName? {
    name.contains("/") ? nil : ObjectName(pins + name)
  }

  static func probe(_ number: UInt64) -> ObjectName { literal(probes + hex(number, 16)) }

  /// Whether a probe made the object.
  static func isProbe(_ name: ObjectName) -> Bool {
    UInt64(name.description.dropFirst(probes.count), radix: 16).map { probe($0) == name } ?? false
  }

  /// The number in the name of a manifest; nil where it is none.
  package static func manifestNumber(_ name: ObjectName) -> UInt64? { number(name, manifests) }

  /// The number in the name of a file that a writer put whose epoch is at most `epoch`; nil where it is none.
  package static func fileNumber(_ name: ObjectName, through epoch: UInt64) -> UInt64? {
    let parts = name.description.split(separator: "/").last?.split(separator: "-") ?? []
    guard parts.count == 3, let writer = UInt64(parts[0], radix: 16), 1...epoch ~= writer,
      let number = UInt64(parts[1], radix: 16), 1..<Limits.fileNumber ~= number,
      name.description.hasPrefix(
        "\(files)\(parts[2].prefix(2))/\(hex(writer, 16))-\(hex(number, 16))-")
    else { return nil }
    return number
  }

  /// The number in the name of a log; nil where it is none.
  package static func logNumber(_ name: ObjectName) -> UInt64? { number(name, logs) }

  private static func numbered(_ prefix: String, _ number: UInt64) -> ObjectName {
    let digits = String(number)
    return literal(prefix + String(repeating: "0", count: 20 - digits.count) + digits)
  }

  private static func number(_ name: ObjectName, _ prefix: String) -> UInt64? {
    guard let number = UInt64(name.description.dropFirst(prefix.count)),
      1...Limits.fileNumber ~= number, numbered(prefix, number) == name
    else { return nil }
    return number
  }

  private static func hex(_ number: UInt64, _ digits: Int) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  private static func literal(_ text: String) -> ObjectName {
    guard let name = ObjectName(text) else { preconditionFailure("no object name: \(text)") }
    return name
  }
}
