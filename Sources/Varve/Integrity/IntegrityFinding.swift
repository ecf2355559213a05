import VarveFormat
import VarvePlatform

/// One thing that a verification found, and exactly where.
public struct IntegrityFinding: Sendable, Equatable {
  /// What it means for the data.
  public enum Severity: String, Sendable {
    /// Bytes are not what was written: restore the file from a copy.
    case damage
    /// Nothing is lost: a leftover file, a tail that a crash tore. Also that a file has more findings than
    /// the 1,000 that are told of.
    case notice
  }

  /// How bad it is.
  public let severity: Severity
  /// The name of the file within the store.
  public let file: String
  /// The structure of the format specification, where one is known.
  public let structure: String?
  /// Bytes from the start of the file, where known.
  public let offset: UInt64?
  /// What is wrong, for a person. Never holds keys or values.
  public let message: String

  init(
    _ severity: Severity, _ file: String, _ message: String, structure: String? = nil,
    offset: UInt64? = nil
  ) {
    self.severity = severity
    self.file = file
    self.structure = structure
    self.offset = offset
    self.message = message
  }

  init(_ error: FormatError, in file: String, _ severity: Severity = .damage) {
    self.init(
      severity, file, "\(error.fault)", structure: error.structure.rawValue, offset: error.offset)
  }

  init(_ finding: Finding) {
    self.init(
      .damage, finding.file, finding.message, structure: finding.structure,
      offset: finding.offset)
  }

  init(_ error: FileSystemError, in file: String, _ severity: Severity = .damage) {
    let error = StoreError(error)
    self.init(severity, file, error.message, structure: error.structure, offset: error.offset)
  }

  init(_ error: StoreError, in file: String) {
    self.init(
      .damage, error.file ?? file, error.message, structure: error.structure, offset: error.offset)
  }
}

extension IntegrityFinding: CustomStringConvertible {
  /// The finding in one line.
  public var description: String {
    var text = "\(file): "
    if let structure { text += "\(structure): " }
    text += message
    if let offset { text += " at offset \(offset)" }
    return text
  }
}

/// How closely a verification looks.
public enum IntegrityDepth: Sendable {
  /// The manifest, every file's presence, size, header and footer, and the logs whole: a look at
  /// each segment's ends.
  case fast
  /// Every byte of every file: blocks, order of keys, filters, sums, values.
  case deep
}

/// What a verification looked at, and how much of it is damaged.
public struct IntegrityReport: Sendable, Equatable {
  /// Files that were looked at.
  public internal(set) var files = 0
  /// Bytes that were read and checked.
  public internal(set) var bytes: UInt64 = 0
  /// Blocks whose checksum was computed.
  public internal(set) var blocks = 0
  /// Entries in segments that were looked at.
  public internal(set) var entries: UInt64 = 0
  /// Records found in logs.
  public internal(set) var logRecords = 0
  /// Values outside of segments.
  public internal(set) var values = 0
  /// Files that lie only in the bucket and were not looked at, each of them a notice as well. Where what the
  /// store knows of its bucket is damaged, all that are not here.
  public internal(set) var onlyInBucket = 0
  /// Findings that mean damage, told of or not.
  public internal(set) var damage = 0
  /// Findings that need not worry anybody, told of or not.
  public internal(set) var notices = 0

  /// True where nothing is damaged.
  public var isSound: Bool { damage == 0 }
}
