import VarveFormat
import VarveTestSupport

/// Bytes of a structure, and what a reader makes of them.
struct Vector {
  /// What is handed to the decoder that `kind` names.
  enum Input {
    case bytes([UInt8])
    /// A file header that is read as one of a file of this kind.
    case header([UInt8], FileName.Kind)
    case text(String)
    /// An object that is read as one of this kind, and one with this number in its name.
    case object([UInt8], ObjectFrame.Kind, named: UInt64)
    /// All logs of a store and its manifest, by name.
    case files([(FileName, [UInt8])])
  }

  var kind: String
  var name: String
  var note: String
  var input: Input
  /// Whether the decoder must accept it: stated here, not taken from the decoder.
  var isGood: Bool

  init(
    _ kind: String, _ name: String, _ note: String, _ bytes: [UInt8], bad: Bool = false
  ) {
    self.init(kind, name, note, input: .bytes(bytes), bad: bad)
  }

  init(_ kind: String, _ name: String, _ note: String, input: Input, bad: Bool = false) {
    self.kind = kind
    self.name = name
    self.note = note
    self.input = input
    isGood = !bad
  }

  /// The vector as it is stored, with what the decoder makes of it.
  func json(_ expected: JSON) -> JSON {
    var members: [(String, JSON)] = [
      ("kind", .text(kind)), ("name", .text(name)), ("note", .text(note)),
    ]
    switch input {
    case .bytes(let bytes): members.append(("hex", .hex(bytes)))
    case .header(let bytes, let kind):
      members += [("as", .text(kind.rawValue)), ("hex", .hex(bytes))]
    case .text(let text): members.append(("text", .text(text)))
    case .object(let bytes, let kind, let number):
      members.append(("as", .text(kind.name)))
      if kind.isNumbered { members.append(("number", .number(number))) }
      members.append(("hex", .hex(bytes)))
    case .files(let files):
      members.append(("files", .object(files.map { ($0.description, .hex($1)) })))
    }
    members.append(("expect", expected))
    return .object(members)
  }
}

extension ObjectFrame.Kind {
  /// The name in the specification.
  var name: String {
    switch self {
    case .store: "store"
    case .manifest: "manifest"
    case .pin: "pin"
    case .tie: "bucket"
    case .log: "log"
    }
  }

  /// Whether the name of such an object tells its number.
  var isNumbered: Bool { self == .manifest || self == .log }
}

extension FormatError.Fault {
  /// The name of the rule in the specification.
  var name: String {
    switch self {
    case .truncated: "truncated"
    case .checksum: "checksum"
    case .magic: "magic"
    case .version: "version"
    case .features: "features"
    case .value: "value"
    case .limit: "limit"
    case .order: "order"
    case .excess: "excess"
    case .missing: "missing"
    }
  }
}

extension FormatError {
  /// The members of an `error` in a vector.
  var members: [(String, JSON)] {
    [
      ("structure", .text(structure.rawValue)), ("fault", .text(fault.name)),
      ("offset", .number(offset)),
    ]
  }
}

extension LogPosition {
  var json: JSON {
    self == .none ? .nothing : .object([("log", .number(log)), ("offset", .number(offset))])
  }
}
